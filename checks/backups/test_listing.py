from __future__ import annotations

import pytest

from opsverify.probes.backups import Listed, Sizes


@pytest.mark.check(
    id="BAK-01",
    runbook="automated-backups",
    covers=[
        "backups.full-one-a-day",
        "backups.weekly-dump-in-cold-storage",
        "daily.last-night-backup",
    ],
    severity="blocker",
    stages=["pre_deploy", "nightly", "pre_maintenance"],
    remedy="See why the job did not run or could not write; run it now. One from the future: whose clock?",
)
def test_newest_backup_is_young_enough(listed_backups: Listed) -> None:
    """The newest backup of each kind that is made regularly is young enough, and none is from the future."""
    assert listed_backups.old == ()
    assert listed_backups.future == ()


@pytest.mark.check(
    id="BAK-02",
    runbook="automated-backups",
    covers=["backups.full-one-a-day", "backups.weekly-dump-in-cold-storage"],
    severity="critical",
    stages=["nightly"],
    remedy="What was not made cannot be made up for. See why the job failed then, or who removed it.",
)
def test_no_period_lacks_its_backup(listed_backups: Listed) -> None:
    """No period of the retention, since the environment began, lacks its backup."""
    assert listed_backups.missing == ()


@pytest.mark.check(
    id="BAK-15",
    runbook="automated-backups",
    covers=["backups.full-one-a-day"],
    severity="normal",
    stages=["weekly"],
    remedy="Remove it, and see why whatever removes old ones left it: it may hold what had to be deleted.",
)
def test_nothing_is_kept_far_beyond_its_retention(listed_backups: Listed) -> None:
    """Nothing is kept far beyond its retention."""
    assert listed_backups.kept_too_long == ()


@pytest.mark.check(
    id="BAK-04",
    runbook="automated-backups",
    severity="critical",
    stages=["nightly"],
    remedy="Read it: an empty or cut dump is small. When much was deleted on purpose, waive it by name.",
)
def test_no_backup_is_suspiciously_small(backup_sizes: Sizes) -> None:
    """No backup is suspiciously small against its predecessors."""
    assert backup_sizes.small == ()


@pytest.mark.check(
    id="BAK-16",
    runbook="automated-backups",
    severity="normal",
    stages=["nightly"],
    remedy="See which table has grown. The store and the next restore have to hold it too.",
)
def test_no_backup_is_suspiciously_large(backup_sizes: Sizes) -> None:
    """No backup is suspiciously large against its predecessors."""
    assert backup_sizes.large == ()
