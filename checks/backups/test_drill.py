from __future__ import annotations

import pytest

from opsverify.environment import Backups
from opsverify.probes.drill import Alone, BesideHead, Recent, Restored


@pytest.mark.check(
    id="BAK-06",
    runbook="backup-strategy",
    severity="blocker",
    stages=["nightly", "pre_maintenance", "security_incident"],
    remedy="Until one restores there is no backup: make another now, and restore that. Then find out why.",
)
def test_newest_full_backup_restores(restored: Restored, backups: Backups) -> None:
    """The newest full backup restores into a scratch server, all of it as it was, in its time.

    Every table, row counts and sums, constraints, sequences and extensions match what was written down
    with it; the time is judged where the environment states a target.
    """
    assert restored.errors == ()
    assert restored.different == ()
    assert restored.rto_seconds <= backups.rto_at_most_seconds


@pytest.mark.check(
    id="BAK-07",
    runbook="backup-strategy",
    severity="critical",
    stages=["nightly", "pre_maintenance"],
    remedy="A new file with old data: see what the job dumps, a stale replica or an old snapshot.",
)
def test_restored_data_are_recent(recent_data: Recent, backups_with_database: Backups) -> None:
    """The restored data are as recent as promised."""
    assert recent_data.missing == ()
    assert recent_data.rpo_seconds <= backups_with_database.rpo_at_most_seconds


@pytest.mark.check(
    id="BAK-10",
    runbook="manual-backup",
    covers=["manual-backup.profiles-and-subscriptions-alone"],
    severity="normal",
    stages=["weekly"],
    remedy="What they refer to has to be restored with them: add it to alone, under [backups].",
)
def test_profiles_and_subscriptions_can_be_restored_alone(alone_restored: Alone) -> None:
    """Profiles and subscriptions alone can be restored from the newest dump."""
    assert alone_restored.lacking == ()


@pytest.mark.check(
    id="BAK-11",
    runbook="backup-strategy",
    covers=["manual-backup.schema-alone"],
    severity="normal",
    stages=["nightly"],
    remedy="Changed by hand, or dumped in part: write the migration for it, or dump all of it.",
)
def test_schema_in_the_backup_is_that_of_its_migrations(backup_beside_head: BesideHead) -> None:
    """The schema in the backup is that of its migration head."""
    assert backup_beside_head.different == ()
