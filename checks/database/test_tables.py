from __future__ import annotations

import pytest

from opsverify.probes.database.indexes import Indexes
from opsverify.probes.database.tables import Scans, Upkeep


@pytest.mark.check(
    id="DB-05",
    runbook="index-review",
    covers=["indexes.tables-read-without-one", "symptom.slow-answers"],
    severity="normal",
    stages=["weekly", "incident"],
    remedy="See which queries read the table (DB-07), and index the columns that they filter by.",
)
def test_large_tables_are_read_by_index(scans: Scans) -> None:
    """No large table is mostly read from end to end, beyond so many times."""
    assert scans.unindexed == ()


@pytest.mark.check(
    id="DB-06",
    runbook="index-review",
    covers=["indexes.those-never-used"],
    severity="normal",
    stages=["weekly"],
    remedy="Drop it by a migration, after a look at the replicas: each counts its own scans.",
)
def test_every_index_serves(useless_indexes: Indexes) -> None:
    """No index is invalid, goes unused or doubles another; those of constraints apart."""
    assert useless_indexes.invalid == ()
    assert useless_indexes.duplicate == ()
    assert useless_indexes.unused == ()


@pytest.mark.check(
    id="DB-11",
    runbook="index-review",
    severity="normal",
    stages=["nightly"],
    remedy="Vacuum what the message names; an old transaction or replication slot may hold it back.",
)
def test_autovacuum_keeps_up(upkeep: Upkeep) -> None:
    """Transaction ids are far from wraparound, and dead rows are cleaned up."""
    assert upkeep.old == ()
    assert upkeep.off == ()
    assert upkeep.dead == ()
