"""Running a command of somebody else's: bounded in time and output, with all that it started."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TAIL_AT_MOST = 64 * 1024
"""Bytes of the end of its output that are kept."""
STEP_SECONDS = 0.05
SECRET_NAMES = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTH|DSN|DATABASE_URL|REDIS_URL|WEBHOOK",
    re.IGNORECASE,
)
"""Names of variables that hold secrets as a rule."""
OWN_NAMES = ("GIT_", "PYTEST_", "COV_", "ALLURE_", "INMIDST_")
"""Beginnings of names of variables that are about this run and not about the command."""


@dataclass(frozen=True)
class Finished:
    """What came of a command."""

    status: int | None
    """Its exit code; None: it did not end in time, and was killed."""
    tail: bytes
    """The end of what it printed, stdout and stderr in one."""
    size: int
    """Bytes that it printed."""
    seconds: float


def run(command: Sequence[str], *, folder: Path, variables: Mapping[str, str], within: float) -> Finished:
    """Run a command to its end, or to the end of its time; what it started ends with it.

    Args:
        command: program and arguments.
        folder: where.
        variables: its whole environment.
        within: seconds that it has.

    Raises:
        OSError: it cannot be run.
    """
    began = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    output = _Output()
    try:
        ended = _read_to_the_end(child, output, until=began + within)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # also what it left behind; it is not reaped yet
        status = child.wait()
        if child.stdout is not None:
            child.stdout.close()
    return Finished(status if ended else None, bytes(output.tail), output.size, time.monotonic() - began)


def without_secrets(secret: set[str]) -> dict[str, str]:
    """The variables of this process without those that hold secrets, and those that are about this run.

    Args:
        secret: names that are known to hold some.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name not in secret and not SECRET_NAMES.search(name) and not name.startswith(OWN_NAMES)
    }


class _Output:
    def __init__(self) -> None:
        self.tail = bytearray()
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self.tail += piece
        if len(self.tail) > 2 * TAIL_AT_MOST:
            del self.tail[:-TAIL_AT_MOST]


def _read_to_the_end(child: subprocess.Popen[bytes], output: _Output, *, until: float) -> bool:
    """Read what a child prints until it ends; whether it did so in time. It is left to be reaped."""
    assert child.stdout is not None  # noqa: S101 - PIPE was asked for
    pipe = child.stdout.fileno()
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        open_ = True
        while time.monotonic() < until:
            if open_ and selector.select(STEP_SECONDS):
                piece = os.read(pipe, TAIL_AT_MOST)
                output.add(piece)
                if piece:
                    continue
                selector.unregister(pipe)
                open_ = False
            if not open_:
                time.sleep(STEP_SECONDS / 10)  # it closed its output and is about to end
            # A child of its own may hold the pipe open when it has ended itself.
            if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                with suppress(BlockingIOError):
                    while open_ and (piece := os.read(pipe, TAIL_AT_MOST)):
                        output.add(piece)
                return True
    return False
