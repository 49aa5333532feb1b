"""How tables are read, and whether they are cleaned up."""

from __future__ import annotations

from dataclasses import dataclass

from opsverify.environment import Environment, Postgres
from opsverify.evidence import one_line
from opsverify.finding import Finding
from opsverify.looking import Snapshot
from opsverify.probes.database.asking import answers
from opsverify.probes.database.wording import age

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class Scans(Snapshot):
    """Large tables that are read from end to end, more often than by index."""

    unindexed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Upkeep(Snapshot):
    """What autovacuum has left undone."""

    old: tuple[str, ...]
    """Databases whose oldest transaction is far back."""
    dead: tuple[str, ...]
    """Tables with many dead rows."""
    off: tuple[str, ...]
    """Settings without which nothing is cleaned up."""


def scans(environment: Environment, postgres: Postgres) -> Scans:
    """See which large tables are mostly scanned, since the statistics were last reset.

    Raises:
        CouldNotLook: the server did not answer.
    """
    limits = environment.limits
    seen = answers(environment, postgres)
    counted_for = age(seen.rows("statistics")[0]["seconds"])
    found = [
        Finding(
            f"{one_line(row['name'])}: {row['seq_scan']:,} sequential scans of {row['rows']:,} rows in"
            f" {counted_for} or more, {row['idx_scan']:,} by index, expected at most"
            f" {limits.sequential_scans_at_most:,}; CREATE INDEX CONCURRENTLY ON {one_line(row['name'])}"
            " (the columns that its queries filter by);",
            about=row["name"],
        )
        for row in seen.rows("scanned")
    ]
    return Scans(where=seen.where, unindexed=tuple(found), evidence=seen.evidence("scanned", "statistics"))


def upkeep(environment: Environment, postgres: Postgres) -> Upkeep:
    """See how far each database is from wraparound, and which tables hold many dead rows.

    Raises:
        CouldNotLook: the server did not answer.
    """
    limits = environment.limits
    seen = answers(environment, postgres)
    old = [
        Finding(
            f"database {one_line(row['database'])}: {max(row['transactions'], row['multixacts']):,}"
            f" transactions since its oldest, expected at most {limits.transaction_age_at_most:,};"
            f" VACUUM (FREEZE); in {one_line(row['quoted'])}",
            about=row["database"],
        )
        for row in seen.rows("ages")
        if max(row["transactions"], row["multixacts"]) > limits.transaction_age_at_most
    ]
    dead = []
    for row in seen.rows("dead"):
        name = one_line(row["name"])
        cause = ", autovacuum is off for it" if row["off"] else ""
        again = f" ALTER TABLE {name} RESET (autovacuum_enabled);" if row["off"] else ""
        text = (
            f"{name}: {row['dead']:,} dead rows, {row['percent']:.0f} %, expected at most"
            f" {limits.dead_rows_at_most_percent:g} %{cause}; VACUUM (ANALYZE) {name};{again}"
        )
        dead.append(Finding(text, about=row["name"]))
    off = [
        f"{name} is off; ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"
        for name in ("autovacuum", "track_counts")
        if seen.setting(name) != "on"
    ]
    return Upkeep(
        where=seen.where,
        old=tuple(old),
        dead=tuple(dead),
        off=tuple(off),
        evidence=seen.evidence("ages", "dead"),
    )
