from __future__ import annotations

import pytest

from opsverify.probes.emergency import Emergency


@pytest.mark.check(
    id="BAK-14",
    runbook="manual-backup",
    covers=["manual-backup.whole-database", "emergency.dump-the-database-at-once"],
    severity="critical",
    stages=["pre_deploy", "nightly", "incident", "pre_rollback"],
    remedy="Install a newer pg_dump, grant the role what it may not read (pg_read_all_data), make room.",
)
def test_an_emergency_dump_would_work(emergency: Emergency) -> None:
    """An emergency dump would work now: client not older than server, all tables readable, space enough."""
    assert emergency.client == "ok"
    assert emergency.unreadable == ()
    assert emergency.room == "ok"
