"""Whole processes and what each of them took: wall time, processor time, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figure import NotMeasured

PYTHON = [sys.executable, "-P"]
NOT_PASSED_ON = ("INMIDST_ENV", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH", "GITHUB_STEP_SUMMARY")
"""Variables that would change what is measured, or be changed by it."""
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of `ru_maxrss`."""

ENOUGH_SAID = 2000
"""Characters that are shown of a process that failed."""


@dataclass(frozen=True)
class Took:
    """What one process took, from its start to its end."""

    seconds: float
    processor_seconds: float
    """Of the process and of those it waited for."""
    peak_megabytes: float
    """Largest resident size."""


def run(command: list[str], *, folder: Path) -> Took:
    """Run a Python process to its end in a folder, and say what it took.

    Raises:
        NotMeasured: as `run_and_listen`.
    """
    took, _ = run_and_listen(command, folder=folder)
    return took


def run_and_listen(command: list[str], *, folder: Path) -> tuple[Took, str]:
    """Run a Python process to its end in a folder: what it took, and what it said on stdout and stderr.

    Args:
        command: arguments of the interpreter.
        folder: where it runs.

    Raises:
        NotMeasured: it did not exit with 0; the text holds the end of what it said.
    """
    variables = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*PYTHON, *command],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise NotMeasured(f"{' '.join(command)} ended with {process.returncode}:\n{text[-ENOUGH_SAID:]}")
    peak = usage.ru_maxrss * MAXRSS_UNIT / 1e6
    return Took(seconds, usage.ru_utime + usage.ru_stime, peak), text


def alternately(runs: Mapping[str, Callable[[], Took]], *, times: int) -> dict[str, list[Took]]:
    """Run several processes in turn, `times` rounds, after one round that does not count.

    In turn, so that whatever else the machine does meets all of them alike; the round that does
    not count writes the bytecode and warms the disk.
    """
    took: dict[str, list[Took]] = {name: [] for name in runs}
    for number in range(times + 1):
        for name, process in runs.items():
            one = process()
            if number > 0:
                took[name].append(one)
    return took


def median_seconds(took: list[Took]) -> float:
    """The median wall time."""
    return median(one.seconds for one in took)


def say(text: str) -> None:
    """A detail, for people: on stderr, so that stdout holds the figures only."""
    print(f"  {text}", file=sys.stderr, flush=True)
