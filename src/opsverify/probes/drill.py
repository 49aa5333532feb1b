"""The drill's results: whether what was restored is what was there, how recent it is, how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from opsverify.backups.comparing import differences, differences_from_source
from opsverify.backups.drilling import Drill, drilled, lost, newest_row
from opsverify.backups.reading import in_public
from opsverify.cost import charge
from opsverify.environment import Backups, Environment
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.dumps import IMPORTS as FOR_DUMPS
from opsverify.probes.postgres import login_of, open_session, plain_words

if TYPE_CHECKING:
    import psycopg

IMPORTS = (*FOR_DUMPS, "psycopg", "opsverify.pgserver", "opsverify.scratch")
"""What is imported before the looks start, and not in their threads."""

FINDINGS_AT_MOST = 50
COUNTED_BELOW = 100_000
"""Rows by the planner's estimate; larger tables of the source are not counted, only estimated."""


@dataclass(frozen=True, kw_only=True)
class Restored(Snapshot):
    """The newest full backup, restored and counted."""

    errors: tuple[str, ...]
    """Of the restore, that lose data."""
    different: tuple[str, ...]
    """What is not as it was."""
    rto_seconds: float
    phases: dict[str, float]

    def measures(self) -> dict[str, float]:
        """Recovery time, and what it is made of."""
        phases = {f"{name.replace(' ', '_')}_seconds": value for name, value in self.phases.items()}
        return {"rto_seconds": self.rto_seconds, **phases}


@dataclass(frozen=True, kw_only=True)
class Recent(Snapshot):
    """How much newer the source is than what was restored."""

    rpo_seconds: float
    missing: tuple[str, ...]
    """Key tables whose newest row cannot be told, or that lost all rows."""

    def measures(self) -> dict[str, float]:
        """By how much."""
        return {"rpo_seconds": self.rpo_seconds}


def restored(environment: Environment, backups: Backups) -> Restored:
    """Restore the newest full backup and hold it against its manifest, or else against the source.

    Raises:
        CouldNotLook: the drill cannot be held, its control failed, or there is nothing to hold it against.
    """
    drill = drilled(environment)
    errors = [drill.flaw] if drill.flaw else list(drill.said.errors)
    different: list[str] = []
    against = "nothing: it was not restored"
    if drill.flaw is None:
        if drill.manifest is not None and drill.manifest.contents is not None:
            different = list(differences(drill.manifest.contents, drill.contents))
            against = f"its manifest of {drill.manifest.taken:%Y-%m-%d %H:%M:%S %Z}: nothing may differ"
        else:
            percent = backups.rows_differ_at_most_percent
            different = list(differences_from_source(_rows(environment), drill.contents, percent))
            against = f"the source as it is now: up to {percent:g} % of a table's rows may differ"
    return Restored(
        where=one_line(drill.backup.name),
        errors=tuple(errors[:FINDINGS_AT_MOST]),
        different=tuple(different[:FINDINGS_AT_MOST]),
        rto_seconds=drill.rto_seconds,
        phases=drill.phases,
        evidence=(_account(drill, against),),
    )


@dataclass(frozen=True, kw_only=True)
class Alone(Snapshot):
    """Some tables of the newest full backup, restored without the others."""

    lacking: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BesideHead(Snapshot):
    """The backup's schema, held against that of its migrations."""

    different: tuple[str, ...]


def alone(environment: Environment, backups: Backups) -> Alone:
    """Restore the declared tables without the others.

    Raises:
        CouldNotLook: the drill cannot be held, or nothing was restored.
    """
    drill = _whole(environment)
    found = _or_raise(drill.alone)
    tables = ", ".join(map(one_line, backups.alone))
    said = "\n".join(found) or "nothing lacks"
    return Alone(
        where=one_line(drill.backup.name),
        lacking=found[:FINDINGS_AT_MOST],
        evidence=(Evidence("tables restored alone", f"{tables}\n\n{said}"),),
    )


def beside_head(environment: Environment, backups_with_git: Backups) -> BesideHead:
    """Hold the backup's schema against the one that its migrations make, run from the repository.

    Raises:
        CouldNotLook: the drill cannot be held, nothing was restored, or the migrations cannot be had.
    """
    drill = _whole(environment)
    found = _or_raise(drill.beside_head)
    those = ", ".join(map(str, drill.migrations or ()))
    said = "\n".join(found) or "no difference"
    return BesideHead(
        where=f"{backups_with_git.name}: {one_line(drill.backup.name)}",
        different=found[:FINDINGS_AT_MOST],
        evidence=(Evidence("schema of the backup", f"migrations in it: {those}\n\n{said}"),),
    )


def _or_raise(found: tuple[str, ...] | CouldNotLook) -> tuple[str, ...]:
    if isinstance(found, CouldNotLook):
        raise CouldNotLook(found.where, found.why, remedy=found.remedy)
    return found


def recent(environment: Environment, backups_with_database: Backups) -> Recent:
    """Hold the newest rows of the key tables against those of the source.

    Raises:
        CouldNotLook: the drill cannot be held, nothing was restored, or the source does not answer.
    """
    drill = _whole(environment)
    source = _newest_rows(environment, backups_with_database)
    missing, lags = [], [timedelta(0)]
    lines = []
    for key in backups_with_database.key_tables:
        lag = lost(drill, source, key.table)
        lines.append(
            f"{key.table}.{key.column}: source {source.get(key.table)},"
            f" restored {drill.newest_rows.get(key.table)}, lost {lag}"
        )
        if lag is None:
            missing.append(f"{one_line(key.table)}: no row of it was restored")
        else:
            lags.append(lag)
    return Recent(
        where=one_line(drill.backup.name),
        rpo_seconds=max(lags).total_seconds(),
        missing=tuple(missing),
        evidence=(Evidence("newest rows", "\n".join(lines)),),
    )


def _whole(environment: Environment) -> Drill:
    """The drill, when something was restored.

    Raises:
        CouldNotLook: nothing was.
    """
    drill = drilled(environment)
    if drill.flaw is not None:
        raise CouldNotLook("drill", f"the backup was not restored: {drill.flaw}", remedy="BAK-06 says more.")
    return drill


def _account(drill: Drill, against: str) -> Evidence:
    lines = [
        str(drill.backup),
        *drill.words,
        f"held against {against}",
        f"control, a copy cut off, was refused: {drill.control or 'not reached'}",
        *(f"{name}: {seconds:.2f} s" for name, seconds in drill.phases.items()),
        f"recovery time: {drill.rto_seconds:.2f} s",
        *(f"{one_line(table)}: {found.rows:,} rows" for table, found in drill.contents.tables.items()),
        *(f"expected error: {text}" for text in drill.said.benign),
    ]
    return Evidence(f"drill of {one_line(drill.backup.name)}", "\n".join(lines))


def _newest_rows(environment: Environment, backups: Backups) -> dict[str, datetime | None]:
    import psycopg

    found: dict[str, datetime | None] = {}
    for session in _source(environment):
        for key in backups.key_tables:
            charge(statements=1)
            try:
                found[key.table] = newest_row(session, key.table, key.column)
            except psycopg.Error as error:
                why = f"the newest row of {one_line(key.table)} cannot be read: {plain_words(error)}"
                raise CouldNotLook("postgres", why) from None
    return found


def _rows(environment: Environment) -> dict[str, int]:
    """Rows of each table of the source: counted, of large ones estimated."""
    import psycopg

    found: dict[str, int] = {}
    for session in _source(environment):
        try:
            charge(statements=1)
            for name, estimate in session.execute(_ESTIMATES).fetchall():
                found[in_public(name)] = int(estimate)
                if estimate < COUNTED_BELOW:
                    charge(statements=1)
                    # Names come quoted from the catalogue.
                    row = session.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()  # noqa: S608
                    found[in_public(name)] = int(row[0]) if row else 0
        except psycopg.Error as error:
            raise CouldNotLook("postgres", f"its tables cannot be counted: {plain_words(error)}") from None
    return found


def _source(environment: Environment) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """One session with the source.

    Raises:
        CouldNotLook: it does not answer, or is not declared.
    """
    import psycopg

    postgres = environment.postgres
    if postgres is None:
        raise CouldNotLook(
            "postgres", "without a manifest it is what a restore is held against; none is declared"
        )
    try:
        within = environment.limits.postgres_answer_at_most_seconds
        with open_session(login_of(environment, postgres), within=within) as session:
            yield session
    except psycopg.Error as error:
        raise CouldNotLook("postgres", plain_words(error)) from None


_ESTIMATES: LiteralString = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), greatest(c.reltuples, 0)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend AS e
        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 1
"""
