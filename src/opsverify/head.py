"""A scratch database at today's head: with the schema that the target has now."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsverify.cost import charge
from opsverify.environment import Environment, Postgres
from opsverify.evidence import one_line
from opsverify.looking import NO_ANSWER, CouldNotLook
from opsverify.probes.postgres import login_of, open_session, plain_words
from opsverify.scratch import Scratch, database, server, system_identifier

if TYPE_CHECKING:
    import psycopg

    Session = psycopg.Connection[tuple[Any, ...]]

STATEMENT_WITHIN_SECONDS = 20
"""One statement on an empty database."""
DUMP_WITHIN_SECONDS = 20


@dataclass(frozen=True)
class Target:
    """What of a server decides which programs can be used on it."""

    version: int
    """As `server_version_num` has it: 150004."""
    identifier: int
    roles: tuple[str, ...]

    @property
    def major(self) -> int:
        """15."""
        return self.version // 10000


@contextmanager
def at_todays_head(environment: Environment, postgres: Postgres) -> Iterator[Session]:
    """A session on a scratch database that has the target's present schema, and none of its data.

    Raises:
        CouldNotLook: the target does not answer, cannot be dumped, or there is nowhere to have its schema.
    """
    login = login_of(environment, postgres)
    target = _target(environment, login)
    if postgres.scratch_from is None:
        dumped: list[str] = []

        def dump_meanwhile(programs: Path) -> None:
            dumped.append(dump(login, target, programs))

        with (
            server(meanwhile=dump_meanwhile) as scratch,
            _restored(scratch, dumped[0], target) as session,
        ):
            yield session
        return
    where = {"dsn_from": postgres.scratch_from, "host": None, "database": None}
    elsewhere = login_of(environment, postgres.model_copy(update=where))
    # Roles belong to a whole server, and this one is not ours: nothing is owned by, or granted to, them.
    text = dump(login, target, None, "--no-owner", "--no-privileges")
    with (
        database(elsewhere, unlike=target.identifier) as scratch,
        _restored(scratch, text, target) as session,
    ):
        yield session


def dump(login: dict[str, Any], target: Target, programs: Path | None, *options: str) -> str:
    """The target's schema, by a pg_dump that is not older than it: of `programs`, or on PATH.

    Raises:
        CouldNotLook: there is none, or it fails.
    """
    from psycopg.conninfo import make_conninfo

    program = _pg_dump(target, programs)
    if program is None:
        why = f"no pg_dump is here that is as new as the target, PostgreSQL {target.major}"
        remedy = f"Put the pg_dump of PostgreSQL {target.major} or newer on PATH, or set PG_BIN."
        raise CouldNotLook("scratch server", why, remedy=remedy)
    named = {key: value for key, value in login.items() if key not in {"password", "connect_timeout"}}
    variables = {**os.environ, "PGCONNECT_TIMEOUT": "5", "PGAPPNAME": "opsverify", "LC_ALL": "C"}
    if "password" in login:
        variables["PGPASSWORD"] = str(login["password"])
    options = (*options, "--schema-only", "--lock-wait-timeout=5s", f"--dbname={make_conninfo(**named)}")
    try:
        said = subprocess.run(
            [str(program), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=DUMP_WITHIN_SECONDS,
            env=variables,
        )
    except subprocess.TimeoutExpired:
        raise CouldNotLook("postgres", f"pg_dump: {NO_ANSWER}") from None
    if said.returncode != 0:
        lines = said.stderr.decode(errors="replace").splitlines() or ["pg_dump failed"]
        why = f"its schema cannot be dumped: {one_line(lines[0]).removeprefix('pg_dump: error: ')}"
        raise CouldNotLook("postgres", why, remedy="The role needs to read it: GRANT pg_read_all_data.")
    return said.stdout.decode("utf-8", errors="replace")


def _target(environment: Environment, login: dict[str, Any]) -> Target:
    import psycopg

    try:
        with open_session(login, within=environment.limits.postgres_answer_at_most_seconds) as session:
            charge(statements=2)
            rows = session.execute("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'").fetchall()
            roles = tuple(str(name) for (name,) in rows)
            return Target(session.info.server_version, system_identifier(session), roles)
    except psycopg.Error as error:
        raise CouldNotLook("postgres", plain_words(error)) from None


def _pg_dump(target: Target, programs: Path | None) -> Path | None:
    """The first pg_dump that is new enough."""
    own = shutil.which("pg_dump", path=str(programs)) if programs else None
    for program in filter(None, (own, shutil.which("pg_dump"))):
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=DUMP_WITHIN_SECONDS
        ).stdout.split()
        majors = [word.partition(".")[0] for word in said if word[:1].isdigit()]
        if majors and majors[0].isdigit() and int(majors[0]) >= target.major:
            return Path(program)
    return None


@contextmanager
def _restored(scratch: Scratch, text: str, target: Target) -> Iterator[Session]:
    import psycopg

    if scratch.version // 10000 < target.major:
        raise CouldNotLook(
            "scratch server",
            f"it is PostgreSQL {scratch.version // 10000}, older than the target's {target.major}",
            remedy="Set PG_BIN to a newer one, or scratch_from under [postgres].",
        )
    timeout = f"-c statement_timeout={STATEMENT_WITHIN_SECONDS * 1000}"
    with psycopg.connect(**scratch.login, autocommit=True, options=timeout, connect_timeout=5) as session:
        if scratch.bin is not None:
            _make_roles(session, target)
        try:
            session.execute(_restorable(text, scratch.version).encode())
        except psycopg.Error as error:
            said = one_line(error.diag.message_primary or str(error))
            raise CouldNotLook(
                "scratch server",
                f"the target's schema cannot be had there: {said}",
                remedy="An extension that it lacks: set PG_BIN to a PostgreSQL that has it.",
            ) from None
        session.execute("RESET ALL")
        yield session


def _make_roles(session: Session, target: Target) -> None:
    """Make the target's roles, so that objects can be owned by, and granted to, them."""
    from psycopg import sql

    there = {name for (name,) in session.execute("SELECT rolname FROM pg_roles").fetchall()}
    for role in target.roles:
        if role not in there:
            session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def _restorable(text: str, version: int) -> str:
    """A dump without what only psql, or only a newer server, understands."""
    unknown = ("\\restrict", "\\unrestrict", *(("SET transaction_timeout",) if version < 170000 else ()))
    lines = (line for line in text.splitlines() if not line.startswith(unknown))
    # The schema public is dumped where its owner is not the usual one, and is here already.
    return "\n".join("" if line == "CREATE SCHEMA public;" else line for line in lines)
