from __future__ import annotations

import pytest

from opsverify.probes.dumps import Complete


@pytest.mark.check(
    id="BAK-05",
    runbook="backup-strategy",
    covers=["daily.last-night-backup", "pre-maintenance.backup-is-there-and-was-read"],
    severity="blocker",
    stages=["pre_deploy", "nightly", "pre_maintenance"],
    remedy="Make another now, and read it. See whether the disk was full or the job was killed.",
)
def test_newest_dump_is_complete(complete_backup: Complete) -> None:
    """The newest dump of each kind is complete: readable to its end, with all expected tables in it."""
    assert complete_backup.flaws == ()
    assert complete_backup.lacking == ()
