from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.database.connections import Ceilings, Connections
from opsverify.probes.database.pooler import Pools
from opsverify.probes.database.sessions import Sessions


@pytest.mark.check(
    id="DB-01",
    runbook="connection-management",
    covers=[
        "emergency.count-busy-sessions",
        "sessions.list-them",
        "paging-alerts.pool-is-nearly-used-up",
        "database-playbook.how-many-sessions",
    ],
    severity="critical",
    stages=["post_deploy", "nightly", "post_maintenance", "incident"],
    remedy="The evidence says who holds them: end idle sessions, then lower the pools or raise the limit.",
)
def test_connections_stay_under_the_limit(connections: Connections, limits: Limits) -> None:
    """Connections stay under their share of what the server, the role and the database allow."""
    assert connections.used_percent < limits.connections_at_most_percent
    assert connections.crowded == ()


@pytest.mark.check(
    id="DB-02",
    runbook="connection-management",
    covers=["sessions.end-idle-ones", "database-playbook.end-idle-ones"],
    severity="normal",
    stages=["nightly", "incident"],
    remedy="End the session that the message names, and let its client close what it does not use.",
)
def test_no_session_idles_too_long(long_sessions: Sessions) -> None:
    """No session is idle beyond its limit, and none in a transaction."""
    assert long_sessions.idle_in_transaction == ()
    assert long_sessions.idle == ()


@pytest.mark.check(
    id="DB-03",
    runbook="connection-management",
    covers=["sessions.state-of-the-pooler"],
    severity="normal",
    stages=["nightly", "incident"],
    remedy="Look for long transactions in the pool (DB-04), then give it more server connections.",
)
def test_no_client_waits_for_the_pooler(pools: Pools) -> None:
    """No client waits in a pool of PgBouncer."""
    assert pools.waiting == ()


@pytest.mark.check(
    id="DB-04",
    runbook="connection-management",
    covers=["sessions.list-them"],
    severity="normal",
    stages=["post_deploy", "nightly", "incident"],
    remedy="Cancel the query, or end the session that holds the lock; then ask why it took so long.",
)
def test_no_query_runs_or_waits_too_long(long_sessions: Sessions) -> None:
    """No query runs, or waits for a lock, beyond its limit."""
    assert long_sessions.waiting == ()
    assert long_sessions.slow == ()


@pytest.mark.check(
    id="DB-14",
    runbook="connection-management",
    covers=["paging-alerts.pool-is-nearly-used-up"],
    severity="normal",
    stages=["pre_deploy", "nightly"],
    remedy="Lower pool sizes or replicas, put a pooler before the database, or raise max_connections.",
)
def test_all_pools_fit_the_server(pool_ceilings: Ceilings) -> None:
    """All pools at their ceiling, as many replicas as there may be, fit what the server allows."""
    assert pool_ceilings.pools <= pool_ceilings.allowed
