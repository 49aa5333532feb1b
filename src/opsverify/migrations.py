"""Migrations: those that a release has, by git, and those that the database has, by its own state table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from opsverify.cost import charge
from opsverify.environment import Environment, MigrationState
from opsverify.evidence import one_line
from opsverify.git import Repository, repository
from opsverify.looking import CouldNotLook
from opsverify.probes.postgres import login_of, open_session, plain_words
from opsverify.records import Release, ReleaseRecord, book

if TYPE_CHECKING:
    import psycopg

FETCH = "Fetch it: git fetch --unshallow --tags (GitHub: actions/checkout with fetch-depth: 0)."
STATE_AT_MOST = 20_000
"""Rows of the state table that are read."""


@dataclass(frozen=True)
class Migration:
    """One step of the schema, as a commit has it."""

    app: str
    """Whose it is: `api` for those in `apps/api/migrations`."""
    path: str
    """Its file in the repository."""
    rollback: str
    """Its rollback script's file, whether it is there or not."""
    has_rollback: bool

    @property
    def version(self) -> str:
        """Its name: `006_stripe_events`."""
        return PurePosixPath(self.path).name.removesuffix(".sql")

    def __str__(self) -> str:
        """Its file, as text that can be shown."""
        return one_line(self.path)


@dataclass(frozen=True)
class Row:
    """What the database says of one migration."""

    app: str | None
    """None where the table does not say."""
    version: str
    at: datetime | None
    failed: bool

    @property
    def key(self) -> tuple[str | None, str]:
        """By which it is found."""
        return self.app, self.version

    def __str__(self) -> str:
        """`api/006_stripe_events`."""
        return one_line(f"{self.app}/{self.version}" if self.app else self.version)


class State:
    """The rows of the state table, by migration."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.rows = rows
        self._by_key = {row.key: row for row in rows}

    def of(self, migration: Migration) -> Row | None:
        """What the database says of a migration; None when it has it not."""
        return self._by_key.get((migration.app, migration.version)) or self._by_key.get(
            (None, migration.version)
        )

    def pending(self, migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
        """Those of a release that the database does not have."""
        return tuple(one for one in migrations if self.of(one) is None)

    def unknown(self, *releases: tuple[Migration, ...]) -> tuple[Row, ...]:
        """Rows that none of these releases has a migration for."""
        all_of_them = [one for some in releases for one in some]
        known = {(app, one.version) for one in all_of_them for app in (one.app, None)}
        return tuple(row for row in self.rows if row.key not in known)


def commit_of(environment: Environment, release: Release) -> str:
    """The commit of a release: as its record says, else the one that its tag is on.

    Raises:
        CouldNotLook: neither says it, or the repository has no such commit.
    """
    found = repository(environment)
    commit = release.commit and found.resolve(release.commit)
    if release.commit is not None and commit is None:
        why = f"{found.where} has no commit {release.commit[:12]}, of {one_line(release.name)} by its record"
        raise CouldNotLook("git", why, remedy=FETCH if found.shallow else "Fetch it, or correct the record.")
    commit = commit or found.tag(tag_of(environment, release.name))
    if commit is None:
        why = f"no record says which commit {one_line(release.name)} is, and it has no tag"
        remedy = FETCH if found.shallow else "Record the release with its commit."
        raise CouldNotLook("git", why, remedy=remedy)
    return commit


def named(environment: Environment, name: str) -> Release:
    """A release by its name, as its own record has it, where there is one.

    Raises:
        CouldNotLook: the records cannot be read.
    """
    kept = book(environment).counting(ReleaseRecord, datetime.now(UTC))
    own = next((one for one in kept if one.record.release == name), None)
    if own is None:
        return Release(name, None, None, None, None)
    return Release(name, own.record.commit, own.record.previous, None, own)


def tag_of(environment: Environment, release: str) -> str:
    """The name of a release's tag."""
    pattern = environment.git.tag if environment.git else "{release}"
    return pattern.replace("{release}", release)


def migrations_of(environment: Environment, commit: str) -> tuple[Migration, ...]:
    """The migrations that a commit has, in the order in which they are applied.

    Raises:
        CouldNotLook: git does not answer.
    """
    found = repository(environment)
    return environment.once(f"migrations of {commit}", lambda: tuple(_read(environment, found, commit)))


def state_of(environment: Environment) -> State:
    """What the database says of migrations, asked once a run.

    Raises:
        CouldNotLook: it does not answer, or has no such table.
    """
    return environment.once("migrations applied", lambda: State(_rows(environment)))


def runs_alone(sql: str) -> bool:
    """Whether a script cannot run in a transaction: it says so, or a statement of it cannot."""
    if re.search(r"^\s*--[^\n]*\bno[- _]transaction\b", sql, re.IGNORECASE | re.MULTILINE):
        return True
    return any(re.match(_ALONE, one, re.IGNORECASE) for one in statements(sql))


def statements(sql: str) -> Iterator[str]:
    """The statements of a script, without the comments before and after them.

    A semicolon inside a string, a quoted name, a dollar-quoted body or a comment ends none.
    """
    begin = 0
    blank = True
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind == "end":
            if not blank:
                yield sql[begin : match.start()].strip()
            begin, blank = match.end(), True
        elif kind == "comment" or match.group().isspace():
            if blank:
                begin = match.end()
        else:
            blank = False
    if not blank:
        yield sql[begin:].strip()


def _read(environment: Environment, found: Repository, commit: str) -> Iterator[Migration]:
    table = environment.git
    for named in table.migrations if table else ():
        folder = PurePosixPath(named)
        files = found.files(commit, str(folder))
        app = folder.parent.name if folder.name == "migrations" else folder.name
        for path in sorted(files):
            file = PurePosixPath(path)
            if file.parent == folder and file.suffix == ".sql":
                rollback = str(folder / (table.rollbacks if table else "") / file.name)
                yield Migration(app, path, rollback, rollback in files)


def _rows(environment: Environment) -> tuple[Row, ...]:
    import psycopg

    table = environment.migrations
    postgres = environment.postgres
    if postgres is None:
        raise CouldNotLook("postgres", f"the environment {environment.name} declares none")
    try:
        with open_session(
            login_of(environment, postgres), within=environment.limits.postgres_answer_at_most_seconds
        ) as session:
            return rows_in(session, table)
    except psycopg.errors.UndefinedTable:
        why = f"the database has no table {one_line(table.table)} of migrations"
        raise CouldNotLook("postgres", why, remedy="Name it, and its columns, under [migrations].") from None
    except psycopg.Error as error:
        raise CouldNotLook("postgres", plain_words(error)) from None


def rows_in(session: psycopg.Connection[Any], table: MigrationState) -> tuple[Row, ...]:
    """What a database says of migrations.

    Raises:
        psycopg.Error: it has no such table, or it cannot be read.
    """
    from psycopg import sql

    columns = sql.SQL(", ").join(
        [
            sql.SQL("{}::text").format(sql.Identifier(table.app)) if table.app else sql.SQL("NULL"),
            sql.SQL("{}::text").format(sql.Identifier(table.version)),
            # One without a zone is in the server's.
            sql.SQL("{}::timestamptz").format(sql.Identifier(table.applied_at)),
            # An expression of the environment file, which is as good as code.
            sql.SQL(table.failed) if table.failed else sql.SQL("false"),
        ]
    )
    query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
        columns, sql.Identifier(*table.table.split(".")), sql.Literal(STATE_AT_MOST)
    )
    charge(statements=1)
    return tuple(_row(*found) for found in session.execute(query).fetchall())


def _row(app: str | None, version: str, at: datetime | None, failed: bool | None) -> Row:
    return Row(app, version.removesuffix(".sql"), at, bool(failed))


_ALONE = (
    r"(create\s+(unique\s+)?index\s+concurrently|drop\s+index\s+concurrently|reindex\b.*\bconcurrently"
    r"|vacuum\b|alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently|create\s+database|drop\s+database"
    r"|alter\s+system)"
).replace(".*", r"[\s\S]*")
"""Statements that PostgreSQL refuses inside a transaction."""

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*[\s\S]*?(\*/|\Z))
    |(?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$[\s\S]*?(\$(?P=tag)\$|\Z))
    |(?P<string>[Ee]'(\\[\s\S]|''|[^'\\])*('|\Z)|'(''|[^'])*('|\Z))
    |(?P<name>"(""|[^"])*("|\Z))
    |(?P<end>;)
    |(?P<space>\s+)
    |(?P<word>[\w$]+|[^\s])
    """,
    re.VERBOSE,
)
"""What stands in a script, as far as it tells where a statement ends."""
