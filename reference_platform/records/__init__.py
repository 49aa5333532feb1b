"""The platform's records: what its people would have written down. They make every stage green.

A module of this package has a function `tables(platform, started, ended)` that gives records by file;
it is named in `TABLES`. What a record is about has times relative to those two, so nothing is ever stale.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reference_platform.records import attested, deployments, incidents, reviews, verdicts
from reference_platform.records.keeping import Table, begin, keep
from reference_platform.state import Platform

TABLES: tuple[Callable[[Platform, datetime, datetime], dict[str, Table]], ...] = (
    deployments.tables,
    attested.tables,
    incidents.tables,
    reviews.tables,
)

__all__ = ["begin", "write_down"]


def write_down(platform: Platform, started: datetime, ended: datetime) -> None:
    """Write all records of a platform that has just been deployed.

    Args:
        platform: it is up.
        started: when its services began to be started.
        ended: when all were ready.
    """
    records: dict[str, Table] = {}
    for tables in TABLES:
        records |= tables(platform, started, ended)
    keep(platform, records)
    verdicts.write_down(platform, started)
    incidents.write_down(platform, started)
