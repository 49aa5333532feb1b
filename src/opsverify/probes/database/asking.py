"""One connection, all questions at once: each is answered or refused by itself.

In pipeline mode the questions go out together and their answers come back together, so that all of them take
one round trip, whatever its length. A second one asks what the first has shown where to ask.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opsverify.cost import charge
from opsverify.environment import Environment, Postgres
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.looking import NO_ANSWER, CouldNotLook
from opsverify.probes.database import questions
from opsverify.probes.postgres import login_of, open_session, place, plain_words

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""

WITHIN_SECONDS = 5
"""To connect, and for each question; the look itself has its own deadline."""
ALL_WITHIN_SECONDS = 8
"""For all answers of a round."""
NO_SLOT = "53300"
NOT_ALLOWED = "42501"

Row = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Why a question was not answered."""

    state: str
    """SQLSTATE."""
    why: str


@dataclass(frozen=True)
class Answers:
    """What the server said to all questions, or why it said nothing."""

    where: str
    trouble: str | None = None
    """Why there was no connection."""
    full: bool = False
    """It was refused because no slot was left."""
    version: int = 0
    """180006 is 18.6."""
    found: Mapping[str, list[Row] | Refusal] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    round_trips: int = 0
    """After connecting."""

    def rows(self, question: str, *, of_all: bool = False) -> list[Row]:
        """The answer to a question.

        Args:
            question: its name.
            of_all: it is about other roles' sessions, of which the server tells only who may read all.

        Raises:
            CouldNotLook: there was no connection, the question was refused, or the role is not told all.
        """
        if self.trouble is not None:
            raise CouldNotLook("postgres", self.trouble)
        if of_all and not self.rights["stats"]:
            raise CouldNotLook(
                "postgres",
                "the role is not shown the sessions and statements of others",
                remedy=self._grant("pg_monitor"),
            )
        found = self.found[question]
        if isinstance(found, Refusal):
            remedy = self._grant("pg_monitor") if found.state == NOT_ALLOWED else None
            raise CouldNotLook("postgres", f"{question}: {found.why}", remedy=remedy)
        return found

    @property
    def rights(self) -> Row:
        """Who asked, and what they may read."""
        return self.rows("rights")[0]

    def setting(self, name: str) -> str:
        """A setting of the server, in its base unit.

        Raises:
            CouldNotLook: as `rows`, or it is not shown.
        """
        for row in self.rows("settings"):
            if row["name"] == name:
                return str(row["setting"])
        raise CouldNotLook("postgres", f"the setting {name} is not shown", remedy=self._grant("pg_monitor"))

    def evidence(self, *names: str) -> tuple[Evidence, ...]:
        """Questions and answers, as far as there were any."""
        return tuple(
            Evidence(name, f"{self.where}\n{self.asked[name]}\n\n{_table(self.found[name])}")
            for name in names
            if name in self.found
        )

    def _grant(self, role: str) -> str:
        found = self.found.get("rights")
        user = found[0]["quoted"] if isinstance(found, list) else "the role"
        return f"GRANT {role} TO {user};"


def answers(environment: Environment, postgres: Postgres) -> Answers:
    """Ask everything, once a run, however many looks need a part of it.

    Raises:
        CouldNotLook: the variable is unset or points elsewhere.
    """
    return environment.once(f"database.{postgres.dsn_from}", lambda: _ask(environment, postgres))


def _ask(environment: Environment, postgres: Postgres) -> Answers:
    import psycopg

    login = login_of(environment, postgres)
    where = place(login)
    try:
        with open_session(login, within=WITHIN_SECONDS) as session:
            asked = questions.first(environment.limits)
            found = ask(session, asked)
            round_trips = 1
            more = questions.second(found)
            if more:
                found |= ask(session, more)
                round_trips = 2
            return Answers(
                where,
                version=session.info.server_version,
                found=found,
                asked={**asked, **more},
                round_trips=round_trips,
            )
    except psycopg.Error as error:
        why = plain_words(error)
        return Answers(where, trouble=why, full=NO_SLOT in why)


def ask(session: psycopg.Connection[Any], asked: Mapping[str, str]) -> dict[str, list[Row] | Refusal]:
    """Send questions together and read their answers.

    In an open transaction, such as a pooler needs for its settings, each has a savepoint of its own.

    Raises:
        psycopg.OperationalError: the connection was lost, or there was no answer in time.
    """
    from psycopg import pq

    connection = session.pgconn
    in_transaction = connection.transaction_status != pq.TransactionStatus.IDLE
    charge(statements=len(asked))
    connection.nonblocking = 1
    connection.enter_pipeline_mode()
    for question in asked.values():
        if in_transaction:
            connection.send_query_params(b"SAVEPOINT question", [])
        connection.send_query_params(as_json(question).encode(), [])
        connection.pipeline_sync()
        if in_transaction:
            connection.send_query_params(b"ROLLBACK TO SAVEPOINT question", [])
            connection.pipeline_sync()
    results = _results(connection, time.monotonic() + ALL_WITHIN_SECONDS)
    found: dict[str, list[Row] | Refusal] = {}
    for name in asked:
        found[name] = _one(results)
        if in_transaction:
            _one(results)
    connection.exit_pipeline_mode()
    connection.nonblocking = 0
    return found


def as_json(question: str) -> str:
    """A question whose answer is one JSON array of its rows."""
    return f"{questions.OWN} coalesce(json_agg(q), '[]') FROM ({question}) AS q"


def _results(connection: PGconn, until: float) -> Iterator[Any]:
    """Each result as it comes, up to a moment of the monotonic clock."""
    import psycopg

    while True:
        sending = connection.flush() == 1
        if not connection.is_busy():
            result = connection.get_result()
            if result is not None:
                yield result
            continue
        left = until - time.monotonic()
        if left <= 0:
            raise psycopg.errors.ConnectionTimeout(NO_ANSWER)
        select.select([connection.socket], [connection.socket] if sending else [], [], left)
        connection.consume_input()


def _one(results: Iterator[Any]) -> list[Row] | Refusal:
    """The answer to one question: all up to the next point of synchronisation."""
    from psycopg import pq

    found: list[Row] | Refusal = []
    for result in results:
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            return found
        if result.status == pq.ExecStatus.TUPLES_OK:
            found = json.loads((result.get_value(0, 0) or b"[]").decode("utf-8", errors="replace"))
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
            why = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"it was refused"
            found = Refusal(state.decode(), one_line(why))
    return found


def _table(found: list[Row] | Refusal) -> str:
    if isinstance(found, Refusal):
        return f"refused: {found.why} (SQLSTATE {found.state})"
    if not found:
        return "(no rows)"
    lines = [" | ".join(found[0])]
    lines += [" | ".join(_cell(value) for value in row.values()) for row in found]
    return harmless("\n".join(lines))


def _cell(value: object) -> str:
    return "" if value is None else one_line(str(value))
