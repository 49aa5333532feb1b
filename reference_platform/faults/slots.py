"""Holding all of PostgreSQL's connection slots: a process of its own that does nothing else."""

from __future__ import annotations

import os
import sys
import time

from reference_platform import postgres
from reference_platform.launching import CLONE
from reference_platform.processes import MARK, Program, stop
from reference_platform.state import Platform
from reference_platform.waiting import until

NAME = "slots"
AGAIN_AFTER_SECONDS = 0.1


def take(platform: Platform) -> None:
    """Hold every slot that an ordinary role can have, until `free`. Returns when none is left.

    Raises:
        NotInTime: there still were some.
    """
    process = Program(
        command=(sys.executable, "-m", __name__),
        folder=platform.state,
        variables={
            MARK: platform.entry.id,
            "DATABASE_URL": platform.settings.dsn,
            "PYTHONPATH": str(CLONE),
        },
        output=platform.log(NAME),
    ).start()
    platform.entry.remember(NAME, process)
    until(lambda: "slots" in (postgres.refusal(platform) or ""), within=10, what="no slot is left")


def free(platform: Platform) -> None:
    """Let them go. Returns when there are some again.

    Raises:
        NotInTime: there still were none.
    """
    process = platform.process(NAME)
    if process is not None:
        stop([process])
    platform.entry.forget(NAME)
    until(lambda: postgres.refusal(platform) is None, within=10, what="there are slots again")


def hold(url: str) -> None:
    """Open sessions until the server refuses, and take each one that others give up. Never returns."""
    import psycopg

    sessions: list[psycopg.Connection[tuple[object, ...]]] = []
    while True:
        try:
            sessions.append(psycopg.connect(url, application_name=NAME))
        except psycopg.OperationalError:
            time.sleep(AGAIN_AFTER_SECONDS)


if __name__ == "__main__":
    hold(os.environ["DATABASE_URL"])
