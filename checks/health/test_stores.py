from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.postgres import Connection
from opsverify.probes.redis import Ping


@pytest.mark.check(
    id="HLT-05",
    runbook="playbook-database-connection-errors",
    covers=["api-playbook.ask-its-dependencies", "database-playbook.does-it-answer", "symptom.server-errors"],
    severity="blocker",
    stages=["post_deploy", "nightly", "post_maintenance", "incident"],
    remedy="Look at the server's log and process. No free slot: find who holds them, end idle sessions.",
)
def test_postgres_answers(connection: Connection, limits: Limits) -> None:
    """PostgreSQL accepts a connection and answers SELECT 1 in time."""
    assert connection.answer == 1
    assert connection.seconds <= limits.postgres_answer_at_most_seconds


@pytest.mark.check(
    id="HLT-06",
    runbook="playbook-api-unresponsive",
    covers=["api-playbook.ask-its-dependencies", "symptom.cache-misses"],
    severity="blocker",
    stages=["post_deploy", "nightly", "post_maintenance", "incident"],
    remedy="Look at the server's log and process. Refused password: compare variable and server setting.",
)
def test_redis_answers(ping: Ping, limits: Limits) -> None:
    """Redis answers PING in time."""
    assert ping.answer == "PONG"
    assert ping.seconds <= limits.redis_answer_at_most_seconds
