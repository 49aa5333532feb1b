from __future__ import annotations

import pytest

from opsverify.probes.database.archiving import Archiving


@pytest.mark.check(
    id="DB-10",
    runbook="backup-strategy",
    severity="critical",
    stages=["nightly", "pre_maintenance"],
    remedy="Read the server's log for the archive command's own words; WAL piles up until it succeeds.",
)
def test_wal_is_archived(archiving: Archiving) -> None:
    """WAL archiving is on, does not fail, and keeps up."""
    assert archiving.settings == ()
    assert archiving.failing == ()
    assert archiving.waiting == ()
