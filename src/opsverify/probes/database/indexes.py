"""Which indexes are there for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsverify.environment import Environment, Postgres
from opsverify.evidence import one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.database.asking import answers
from opsverify.probes.database.wording import age, size

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Indexes(Snapshot):
    """Indexes that are kept up and serve nothing."""

    invalid: tuple[str, ...]
    unused: tuple[str, ...]
    duplicate: tuple[str, ...]


def indexes(environment: Environment, postgres: Postgres) -> Indexes:
    """See which indexes are invalid, were not used, or double another. Those of constraints are left out.

    Raises:
        CouldNotLook: the server did not answer; or there is nothing else to say, and its statistics are too
            young to tell whether an index is used.
    """
    seen = answers(environment, postgres)
    invalid = [
        Finding(
            f"{one_line(row['name'])} of {one_line(row['of'])} is invalid;"
            f" REINDEX INDEX CONCURRENTLY {one_line(row['name'])};",
            about=row["name"],
        )
        for row in seen.rows("invalid")
    ]
    duplicate = [finding for row in seen.rows("duplicates") for finding in _duplicates(row)]
    counted_for = seen.rows("statistics")[0]["seconds"]
    wanted = environment.limits.index_statistics_at_least_days_old * DAY
    candidates = seen.rows("unused")
    evidence = seen.evidence("invalid", "duplicates", "unused", "statistics")
    if candidates and counted_for < wanted and not (invalid or duplicate):
        raise CouldNotLook(
            "postgres",
            "its statistics are too young to tell which indexes are used",
            remedy=f"They count for {age(counted_for)}, expected at least {age(wanted)}; in that time"
            f" {len(candidates)} were not used, such as {one_line(candidates[0]['name'])}.",
            evidence=evidence,
        )
    unused = [
        Finding(
            f"{one_line(row['name'])} of {one_line(row['of'])}: no scan in {age(counted_for)} or more,"
            f" {size(row['bytes'])}; DROP INDEX CONCURRENTLY {one_line(row['name'])};",
            about=row["name"],
        )
        for row in (candidates if counted_for >= wanted else [])
    ]
    return Indexes(
        where=seen.where,
        invalid=tuple(invalid),
        unused=tuple(unused),
        duplicate=tuple(duplicate),
        evidence=evidence,
    )


def _duplicates(row: dict[str, Any]) -> list[Finding]:
    """Each index of a table that says the same as the first of them."""
    kept, *others = row["names"]
    of = one_line(row["of"])
    found = []
    for other in others:
        name = one_line(other["name"])
        drop = (
            f"DROP INDEX CONCURRENTLY {name};"
            if other["constraint"] is None
            else f"ALTER TABLE {of} DROP CONSTRAINT {one_line(other['constraint'])};"
        )
        text = f"{name} of {of} doubles {one_line(kept['name'])}; {drop}"
        found.append(Finding(text, about=other["name"]))
    return found
