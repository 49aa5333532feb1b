"""Processes that outlive the command that started them, told apart from others with the same pid.

A process is known by its pid *and* its start. A pid alone may by now belong to someone else,
and is never signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reference_platform.waiting import NotInTime, until

PROC = Path("/proc")
MARK = "INMIDST_PLATFORM"
"""Variable in each process's environment that names its platform, so that a stray one is found."""


@dataclass(frozen=True)
class Process:
    """A process, as it was when it was first seen."""

    pid: int
    started: str
    """When it started, in whatever way the system says it; only compared."""

    def alive(self) -> bool:
        """Whether this very process still runs. One that has ended and waits to be reaped does not."""
        return _start_of(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it is still this process."""
        if self.alive():
            with suppress(ProcessLookupError):  # ended since the line above
                os.kill(self.pid, number)

    def children(self) -> list[Process]:
        """The processes it started and that still run."""
        return [child for pid in _children_of(self.pid) if (child := identify(pid)) is not None]


def identify(pid: int) -> Process | None:
    """The process that has this pid now, or None when none runs."""
    started = _start_of(pid)
    return None if started is None else Process(pid, started)


def myself() -> Process:
    """The process that asks."""
    me = identify(os.getpid())
    if me is None:
        raise RuntimeError("this system does not say when a process started: neither /proc nor ps works")
    return me


@dataclass(frozen=True)
class Program:
    """What to run, and as whom."""

    command: Sequence[str | Path]
    folder: Path
    """Working folder."""
    variables: Mapping[str, str]
    """The whole environment of the process; nothing is inherited."""
    output: Path
    """Where its stdout and stderr are appended."""
    user: int | None = None
    """Id of the user to run as, when another one (only root can)."""
    group: int | None = None
    descriptors: tuple[int, ...] = ()
    """Open file descriptors that it inherits."""

    def start(self) -> Process:
        """Start it detached: no terminal, no signals of the caller's group, none of its stdio.

        Raises:
            OSError: it cannot be run.
        """
        with self.output.open("ab") as output:
            return self._start(output)

    def run(self, *, within: float) -> None:
        """Run it to its end.

        Raises:
            Failed: it ended with another status than 0; with the end of its output.
            NotInTime: it did not end in time, and was killed.
        """
        with self.output.open("ab") as output:
            child = self._popen(output)
        self.finish(child, within=within)

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it as a child that `finish` waits for."""
        with self.output.open("ab") as output:
            return self._popen(output)

    def finish(self, child: subprocess.Popen[bytes], *, within: float) -> None:
        """Wait for what `begin` started. Raises as `run` does."""
        name = Path(self.command[0]).name
        try:
            status = child.wait(within)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise NotInTime(f"{name} ends: not within {within:g} s") from None
        if status != 0:
            raise Failed(f"{name} ended with status {status}:\n{end_of(self.output)}")

    def _popen(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(word) for word in self.command],
            cwd=self.folder,
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=self.descriptors,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else (),
        )

    def _start(self, output: IO[bytes]) -> Process:
        child = self._popen(output)
        # It is meant to outlive us: Popen's warning about a child left behind does not apply.
        child.returncode = 0
        process = identify(child.pid)
        if process is None:
            _reap(child.pid)
            raise Failed(f"{Path(self.command[0]).name} ended at once:\n{end_of(self.output)}")
        return process


class Failed(Exception):
    """A program of the platform did not do its work; the text holds the end of its output."""


def stop(
    processes: Collection[Process],
    *,
    by: signal.Signals = signal.SIGTERM,
    within: float = 1.0,
) -> None:
    """Ask processes to end, all at once, and make those end that do not.

    Frozen ones are woken first, so that they can.

    Args:
        processes: those that have ended already are no error.
        by: the signal that asks.
        within: seconds they have; then SIGKILL.
    """
    for process in processes:
        process.signal(by)
        process.signal(signal.SIGCONT)
    try:
        until(lambda: not _living(processes), within=within, what="they end")
    except NotInTime:  # then they are not asked any more
        for process in processes:
            for one in (*process.children(), process):
                one.signal(signal.SIGKILL)
        until(lambda: not _living(processes), within=5, what="killed processes end")
    for process in processes:
        _reap(process.pid)


def strays(mark: str) -> Iterator[Process]:
    """Processes started for a platform, found by the mark in their environment.

    It finds one that was started in the instant before its starter was killed, when it was
    written down nowhere. Only where /proc is; elsewhere that instant remains.
    """
    sought = f"{MARK}={mark}".encode()
    if not PROC.is_dir():
        return
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):  # ended meanwhile, or another user's
            if sought in (entry / "environ").read_bytes().split(b"\0"):
                process = identify(int(entry.name))
                if process is not None:
                    yield process


def end_of(file: Path, *, lines: int = 20) -> str:
    """The last lines of a text file, or a remark that there are none."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    return "\n".join(text.splitlines()[-lines:]) or "(it printed nothing)"


def _living(processes: Collection[Process]) -> bool:
    return any(process.alive() for process in processes)


def _reap(pid: int) -> None:
    """Let an ended child of ours go; harmless for any other process."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _start_of(pid: int) -> str | None:
    """When a process started, or None when no process of that pid runs."""
    if PROC.is_dir():
        return _start_by_proc(pid)
    said = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return said[1].strip() if len(said) == 2 and not said[0].startswith("Z") else None


def _start_by_proc(pid: int) -> str | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold spaces and parentheses; what follows the last one are the fields from 3 on.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return f"{_boot()}:{fields[19]}"


def _boot() -> str:
    """Which boot this is: start times count from it, so they say nothing across two of them."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return sys.platform


def _children_of(parent: int) -> list[int]:
    if not PROC.is_dir():
        said = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
        ).stdout.splitlines()
        pairs = [(int(pid), int(ppid)) for pid, ppid in (line.split() for line in said)]
        return [pid for pid, ppid in pairs if ppid == parent]
    found: list[int] = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # ended meanwhile
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
                if stat.rpartition(")")[2].split()[1] == str(parent):
                    found.append(int(entry.name))
    return found
