"""Processes are known by pid and start, and files are written whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reference_platform.parts import UnknownPart, known
from reference_platform.processes import Failed, Process, Program, identify, myself, stop, strays
from reference_platform.waiting import NotInTime, until


def sleeper(folder: Path, *, mark: str = "none") -> Process:
    """A process that ignores SIGTERM and sleeps."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('on', flush=True); time.sleep(60)"
    )
    output = folder / "output"
    process = Program(
        command=(sys.executable, "-c", code),
        folder=folder,
        variables={"INMIDST_PLATFORM": mark},
        output=output,
    ).start()
    until(lambda: output.read_text() == "on\n", within=10, what="it runs")
    return process


def test_a_recycled_pid_is_another_process() -> None:
    """What has our pid but another start is not ours, and gets no signal."""
    recycled = Process(os.getpid(), "another start")

    assert not recycled.alive()
    recycled.signal(signal.SIGKILL)
    stop([recycled])
    assert myself().alive()


def test_an_ended_child_that_nobody_reaped_does_not_run() -> None:
    """A zombie has a pid and does nothing."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = identify(child.pid)
    assert process is not None
    assert process.alive()
    child.kill()
    until(lambda: not process.alive(), within=10, what="it has ended")
    child.communicate()


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """SIGTERM first, SIGKILL after the time it had; also when it is frozen."""
    process = sleeper(tmp_path)
    process.signal(signal.SIGSTOP)

    stop([process], within=0.1)

    assert not process.alive()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="strays are found by /proc")
def test_a_stray_is_found_by_its_mark(tmp_path: Path) -> None:
    """A process that was written down nowhere is found, and only under its own mark."""
    process = sleeper(tmp_path, mark=str(tmp_path))

    assert [*strays(str(tmp_path))] == [process]
    assert [*strays(str(tmp_path)[:-1])] == []
    stop([process], by=signal.SIGKILL)


def test_a_program_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    """The error holds the status and the end of the output."""
    program = Program(
        command=(sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"),
        folder=tmp_path,
        variables={},
        output=tmp_path / "output",
    )

    with pytest.raises(Failed, match=r"status 3:\nno such thing"):
        program.finish(program.begin(), within=10)


def test_waiting_ends() -> None:
    """What never happens is an error that says what was awaited, and for how long."""
    with pytest.raises(NotInTime, match=r"the sun rises: not within 0\.05 s"):
        until(lambda: False, within=0.05, what="the sun rises")


def test_an_unknown_part_is_named() -> None:
    """`--with` of something that is no part says so."""
    assert known([" , "]) == ()
    with pytest.raises(UnknownPart, match="nonsense"):
        known(["nonsense"])
