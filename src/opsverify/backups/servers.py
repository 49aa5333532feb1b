"""Where a drill restores to: a server of its own, or databases of its own on one that is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsverify.environment import Environment, Postgres
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook
from opsverify.probes.postgres import login_of, open_session, plain_words
from opsverify.scratch import database, server, system_identifier


@dataclass(frozen=True)
class Servers:
    """A server that databases can be made on, gone with the drill."""

    version: int
    """As `server_version_num` has it."""
    make: Callable[[str], dict[str, Any]]
    """Gives the connection parameters of a new empty database."""
    data: Path | None
    """Its files, where they are on this machine."""
    words: str
    """Which it is, for the evidence."""

    @property
    def major(self) -> int:
        """18."""
        return self.version // 10000


@contextmanager
def scratch_server(environment: Environment) -> Iterator[Servers]:
    """The server that this environment's drills restore to.

    Raises:
        CouldNotLook: it cannot be had, or is the target itself.
    """
    postgres = environment.postgres
    if postgres is None or postgres.scratch_from is None:
        with server() as scratch:
            yield Servers(
                scratch.version,
                lambda name: _own(scratch.login, name),
                Path(scratch.login["host"]).parent / "data",
                f"a server of its own, PostgreSQL {scratch.version // 10000}",
            )
        return
    named = {"dsn_from": postgres.scratch_from, "host": None, "database": None}
    login = login_of(environment, postgres.model_copy(update=named))
    source = _identifier(environment, postgres)
    with ExitStack() as stack:
        first = stack.enter_context(database(login, unlike=source))
        free = [first.login]

        def make(_: str) -> dict[str, Any]:
            return free.pop() if free else stack.enter_context(database(login, unlike=source)).login

        words = f"the server that {postgres.scratch_from} names, PostgreSQL {first.version // 10000}"
        yield Servers(first.version, make, None, words)


def _own(login: dict[str, Any], name: str) -> dict[str, Any]:
    import psycopg
    from psycopg import sql

    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    with psycopg.connect(**login, autocommit=True, connect_timeout=5) as session:
        session.execute(statement)
    return {**login, "dbname": name}


def _identifier(environment: Environment, postgres: Postgres) -> int:
    """What tells the target's cluster from all others: a drill never restores into it."""
    import psycopg

    try:
        within = environment.limits.postgres_answer_at_most_seconds
        with open_session(login_of(environment, postgres), within=within) as session:
            return system_identifier(session)
    except psycopg.Error as error:
        why = f"it cannot be told from the target, which does not say what it is: {plain_words(error)}"
        raise CouldNotLook("scratch server", one_line(why)) from None
