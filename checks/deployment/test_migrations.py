from __future__ import annotations

import pytest

from opsverify.probes.locks import Locks
from opsverify.probes.migrations import Applied, Reviewed
from opsverify.probes.rehearsal import Rehearsal


@pytest.mark.check(
    id="DEP-02",
    runbook="pre-deployment-checklist",
    covers=["pre-deployment.migrations-were-reviewed"],
    severity="critical",
    stages=["pre_deploy"],
    remedy="Have the migration reviewed as it stands in the release's commit, and record the review.",
)
def test_pending_migrations_are_reviewed(migration_reviews: Reviewed) -> None:
    """Every pending migration has a review on record, of the text that it has now."""
    assert migration_reviews.unreviewed == ()


@pytest.mark.check(
    id="DEP-16",
    runbook="migration-operations",
    covers=["pre-deployment.migrations-were-reviewed"],
    severity="normal",
    stages=["pre_deploy"],
    remedy="Write it so that it does not block (CONCURRENTLY, NOT VALID), or take a window for it.",
)
def test_pending_migrations_do_not_block(blocking_locks: Locks) -> None:
    """No pending migration takes a lock that blocks the platform while it runs."""
    assert blocking_locks.blocking == ()


@pytest.mark.check(
    id="DEP-03",
    runbook="rollback-procedure",
    covers=[
        "pre-deployment.a-way-back-is-written-down",
        "rollback.the-schema-goes-back-too",
        "migrations.undo-a-single-one",
    ],
    severity="critical",
    stages=["pre_deploy", "pre_rollback"],
    remedy="Correct the rollback script that the message names; what was rehearsed is in the evidence.",
)
def test_migrations_can_be_rolled_back(rehearsal: Rehearsal) -> None:
    """Every pending migration has its rollback; both, run at today's head, leave the schema unchanged."""
    assert rehearsal.missing == ()
    assert rehearsal.failed == ()
    assert rehearsal.different == ()


@pytest.mark.check(
    id="DEP-08",
    runbook="migration-operations",
    covers=[
        "compose.migrate-first",
        "rollback.the-schema-goes-back-too",
        "migrations.apply-what-is-pending",
        "migrations.see-which-are-applied",
        "script.migrations",
    ],
    severity="blocker",
    stages=["post_deploy", "nightly"],
    remedy="Apply what is missing, then restart the services; one that no release has was made by hand.",
)
def test_the_database_has_the_releases_migrations(applied_migrations: Applied) -> None:
    """The database has all migrations of the release that runs, in order, applied before its services ran."""
    assert applied_migrations.failed == ()
    assert applied_migrations.missing == ()
    assert applied_migrations.unknown == ()
    assert applied_migrations.disordered == ()
    assert applied_migrations.late == ()
