from __future__ import annotations

import pytest

from opsverify.probes.dumps import Prepared


@pytest.mark.check(
    id="DEP-06",
    runbook="pre-maintenance-checklist",
    covers=[
        "manual-backup.whole-database",
        "pre-maintenance.backup-is-there-and-was-read",
        "script.a-dump-before-all-else",
    ],
    severity="blocker",
    stages=["pre_deploy", "pre_maintenance"],
    remedy="Make one now, into the declared store, with a manifest that names the release or window.",
)
def test_a_backup_was_taken_for_this_change(backup_for_change: Prepared) -> None:
    """A backup taken for this deployment or window exists, is young enough, and was read to its end."""
    assert backup_for_change.missing == ()
    assert backup_for_change.flaws == ()
