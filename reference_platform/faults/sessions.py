"""Sessions at PostgreSQL that are kept as they are: a process of its own that does nothing else."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import LiteralString

from reference_platform import postgres
from reference_platform.faults.model import Verb
from reference_platform.launching import CLONE
from reference_platform.processes import MARK, Program, stop
from reference_platform.state import Platform
from reference_platform.waiting import until

WITHIN_SECONDS = 20


def held(
    words: str,
    name: str,
    *sessions: tuple[str, ...],
    seen: LiteralString | Callable[[Platform], bool],
    through: Callable[[Platform], str] = lambda platform: platform.settings.dsn,
) -> Verb:
    """Sessions are open that do what each is told, and then nothing.

    Args:
        words: what is then the case.
        name: of the process, and of its sessions' application.
        sessions: the statements of each; the last may take as long as it wants.
        seen: what says when it is so: a question to the server, answered by one boolean, or a function.
        through: where they connect.
    """

    def do(platform: Platform) -> None:
        process = Program(
            command=(sys.executable, "-m", __name__),
            folder=platform.state,
            variables={
                MARK: platform.entry.id,
                "DATABASE_URL": through(platform),
                "HELD_SESSIONS": json.dumps({"name": name, "sessions": sessions}),
                "PYTHONPATH": str(CLONE),
            },
            output=platform.log(name),
        ).start()
        platform.entry.remember(name, process)
        says = seen if callable(seen) else partial(_says, question=seen)
        until(lambda: says(platform), within=WITHIN_SECONDS, what=words)

    def undo(platform: Platform) -> None:
        process = platform.process(name)
        if process is not None:
            stop([process])
        platform.entry.forget(name)
        until(lambda: _ended(platform, name), within=WITHIN_SECONDS, what=f"not any more: {words}")

    return Verb(words, do, undo)


def _says(platform: Platform, question: LiteralString) -> bool:
    with postgres.admin(platform, postgres.DATABASE) as session:
        row = session.execute(question).fetchone()
        return row is not None and bool(row[0])


def _ended(platform: Platform, name: str) -> bool:
    """End what is left: a session at work does not notice that its client is gone."""
    with postgres.admin(platform) as session:
        left = session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [name]
        ).fetchall()
        return not left


def hold(url: str, name: str, sessions: list[list[str]]) -> None:
    """Open the sessions, let each do what it is told, and keep them. Never returns."""
    import psycopg

    opened = []
    for statements in sessions:
        session = psycopg.connect(url, application_name=name, autocommit=True)
        opened.append(session)
        for statement in statements[:-1]:
            session.execute(statement.encode())
        for statement in statements[-1:]:
            session.pgconn.send_query(statement.encode())  # its answer is not waited for
    threading.Event().wait()


if __name__ == "__main__":
    told = json.loads(os.environ["HELD_SESSIONS"])
    hold(os.environ["DATABASE_URL"], told["name"], told["sessions"])
