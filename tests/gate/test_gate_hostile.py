"""Runs that end badly: killed, interrupted, cut, without disk, with checks that misbehave. None says go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from reports import gate
from tests.gate.gates import (
    METRICS,
    READY,
    Answer,
    GateRun,
    Platform,
    Target,
)
from tests.gate.hostile import add_check, with_files_at_most, without_roots_powers

WORKERS = [(), ("-n", "2")]
IMPATIENT = "[limits]\nready_at_most_seconds = 1"
"""Workers of pytest-xdist end when their look does."""
ALONE_AND_SPREAD = pytest.mark.parametrize("workers", WORKERS, ids=["alone", "spread"])


def decision_in(report: Path) -> object:
    """The decision that stands in a report folder; None without gate.json."""
    file = report / "gate.json"
    return json.loads(file.read_bytes())["decision"] if file.exists() else None


# Checks that misbehave


@pytest.mark.parametrize(
    ("workers", "text"),
    [((), "import no_such_module"), (("-n", "2"), "import no_such_module"), ((), "def broken(:")],
    ids=["import", "import spread", "syntax"],
)
def test_a_file_that_cannot_be_collected(target_of_copy: Target, workers: tuple[str, ...], text: str) -> None:
    """Undecided, with the file named; what the other files hold is asked all the same."""
    add_check(target_of_copy.suite, "pass", before=text)
    run = target_of_copy.gate(*workers)
    assert (run.exit, run.outcomes[READY]) == (3, "passed")
    assert any("test_extra_01.py" in reason for reason in run.verdict["reasons"])


@pytest.mark.parametrize(("severity", "exit_code"), [("normal", 3), ("blocker", 1)])
def test_a_worker_that_dies(target_of_copy: Target, severity: str, exit_code: int) -> None:
    """A worker killed in a check leaves no result of it: a blocker stops, a normal one is undecided."""
    add_check(target_of_copy.suite, "import os; os._exit(0)", severity=severity)
    run = target_of_copy.gate("-n", "2")
    assert (run.exit, run.outcomes["XTR-01"]) == (exit_code, "no_result")
    assert any("worker" in reason for reason in run.verdict["reasons"])


LEAVING = {
    "skip": ("pytest.skip('not today')", ""),
    "skip mark": ("pass", "@pytest.mark.skip(reason='not today')"),
    "expected failure": ("assert 1 == 2", "@pytest.mark.xfail(reason='known', strict=False)"),
    "unexpected pass": ("assert 1 == 1", "@pytest.mark.xfail(reason='known', strict=False)"),
    "imperative": ("pytest.xfail('known')", ""),
    "sys.exit": ("import sys; sys.exit(0)", ""),
}


@ALONE_AND_SPREAD
def test_checks_that_get_out_of_being_judged(target_of_copy: Target, workers: tuple[str, ...]) -> None:
    """Skips, expected failures and exits of a check are no pass: a skip is a line of the environment file."""
    for number, (body, marks) in enumerate(LEAVING.values(), 1):
        add_check(target_of_copy.suite, body, severity="blocker", marks=marks, check=f"XTR-0{number}")
    run = target_of_copy.gate(*workers)
    became = {name: run.outcomes[f"XTR-0{number}"] for number, name in enumerate(LEAVING, 1)}
    assert run.exit == 1
    assert became == {
        **dict.fromkeys(LEAVING, "no_result"),
        "unexpected pass": "passed",
        "sys.exit": "could_not_look",
    }


@pytest.mark.parametrize(
    "before",
    ["pytest.importorskip('no_such_module')", "pytest.skip('not today', allow_module_level=True)"],
    ids=["importorskip", "skip"],
)
def test_a_file_that_skips_itself(target_of_copy: Target, before: str) -> None:
    """What a file holds is not known when it skips itself: undecided, with the file named."""
    add_check(target_of_copy.suite, "pass", severity="blocker", before=before)
    run = target_of_copy.gate()
    assert run.exit == 3
    assert any("test_extra_01.py" in reason for reason in run.verdict["reasons"])


PYTEST_EXIT = "pytest.exit('enough', returncode=0)"


@pytest.mark.parametrize(
    ("where", "exits", "workers"),
    [
        ("check", PYTEST_EXIT, ()),
        ("check", PYTEST_EXIT, ("-n", "2")),
        ("import", PYTEST_EXIT, ()),
        ("import", "sys.exit(0)", ()),
        ("import", "sys.exit(0)", ("-n", "2")),
    ],
)
def test_a_check_that_ends_the_run(
    target_of_copy: Target, where: str, exits: str, workers: tuple[str, ...]
) -> None:
    """An exit with status 0 in a check or in its file does not become the gate's exit code."""
    body, before = (exits, "import sys") if where == "check" else ("pass", f"import sys; {exits}")
    add_check(target_of_copy.suite, body, severity="blocker", before=before)
    assert target_of_copy.gate(*workers).exit in {1, 3}


def test_a_check_that_raises_an_interrupt(target_of_copy: Target) -> None:
    """It ends the run as Ctrl-C would."""
    add_check(target_of_copy.suite, "raise KeyboardInterrupt")
    assert target_of_copy.gate().exit in {2, 3}


def test_a_check_whose_clean_up_fails(target_of_copy: Target) -> None:
    """What fails after the comparison was made is no pass."""
    before = "@pytest.fixture\ndef left_over():\n    yield\n    raise RuntimeError('still there')\n"
    add_check(
        target_of_copy.suite,
        "pass",
        severity="blocker",
        before=before,
        marks="@pytest.mark.usefixtures('left_over')",
    )
    run = target_of_copy.gate()
    assert (run.exit, run.outcomes["XTR-01"]) == (1, "could_not_look")


# Ends by time


@ALONE_AND_SPREAD
def test_a_run_cut_by_its_deadline(target: Target, platform: Platform, workers: tuple[str, ...]) -> None:
    """A look that hangs past `--deadline`: nothing good comes of it, and the run stops and says why."""
    platform.hold("/ready")
    run = target.gate("--deadline=1", *workers)
    assert run.exit == 1
    assert run.outcomes[READY] != "passed"
    assert any("deadline" in reason for reason in run.verdict["reasons"])


@ALONE_AND_SPREAD
def test_a_check_that_sleeps_past_the_deadline(target_of_copy: Target, workers: tuple[str, ...]) -> None:
    """It is interrupted, has no result, and the run ends by itself: cut, not interrupted by anybody."""
    add_check(target_of_copy.suite, "import time; time.sleep(600)")
    run = target_of_copy.gate("--deadline=1", "-k", "XTR-01", *workers)
    assert (run.exit, run.outcomes["XTR-01"]) == (3, "no_result")
    assert any("deadline" in reason for reason in run.verdict["reasons"])


# Ends by signal


@ALONE_AND_SPREAD
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run(
    target: Target, platform: Platform, workers: tuple[str, ...], number: signal.Signals
) -> None:
    """Ctrl-C, as a terminal sends it to all processes, and SIGTERM to the one: exit 2, undecided."""
    target.declare(IMPATIENT)
    platform.says("/health", Answer("", 500))  # an interruption comes before all else, also before stop
    platform.hold("/ready")
    started = target.start(*workers)
    platform.wait_until_asked("/ready")
    if number == signal.SIGINT:
        os.killpg(started.process.pid, number)
    else:
        started.process.send_signal(number)
    must_be_interrupted(started.wait())


def test_a_run_that_hangs_while_it_collects(target_of_copy: Target, platform: Platform) -> None:
    """A file that does not come to an end is cut by `--deadline` too: undecided, not interrupted."""
    platform.hold("/collecting")
    opened = f"import urllib.request; urllib.request.urlopen('{platform.url}/collecting')"
    add_check(target_of_copy.suite, "pass", before=opened)
    run = target_of_copy.gate("--deadline=0.1")
    assert run.exit in {1, 3}
    assert any("deadline" in reason for reason in run.verdict["reasons"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_interrupted_at_its_beginning(
    target: Target, platform: Platform, number: signal.Signals
) -> None:
    """Interrupted as soon as it has its folder, wherever that finds it: the same."""
    platform.hold("/ready")
    started = target.start()
    started.wait_until((target.report / "gate.json").exists)
    started.process.send_signal(number)
    run = started.wait()
    assert (run.exit, decision_in(run.report)) == (2, "undecided")
    assert run.line.startswith("GATE undecided ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_interrupted_while_it_collects(
    target_of_copy: Target, platform: Platform, number: signal.Signals
) -> None:
    """Interrupted before anything is planned: the same."""
    platform.hold("/collecting")
    opened = f"import urllib.request; urllib.request.urlopen('{platform.url}/collecting')"
    add_check(target_of_copy.suite, "pass", before=opened)
    started = target_of_copy.start()
    platform.wait_until_asked("/collecting")
    started.process.send_signal(number)
    must_be_interrupted(started.wait())


def must_be_interrupted(run: GateRun) -> None:
    """Exit 2, undecided in line and gate.json."""
    run.must_tell_one_story()
    assert run.exit == 2
    assert run.line.startswith("GATE undecided ")
    assert any("interrupted" in reason for reason in run.verdict["reasons"])


@ALONE_AND_SPREAD
def test_a_killed_run(
    target: Target, platform: Platform, workers: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """After kill -9 the old go is gone, the gate says undecided, and the folder is free for the next run."""
    target.declare(IMPATIENT)
    assert target.gate().exit == 0
    platform.hold("/ready")
    started = target.start(*workers)
    started.wait_until(lambda: platform.asked("/ready") == 2)
    started.process.kill()
    run = started.wait()
    assert run.exit == -signal.SIGKILL
    assert [line for line in run.out if line.startswith("GATE")] == []
    assert decision_in(target.report) == "undecided"
    assert gate.main([str(target.report)]) == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("GATE undecided ")
    platform.let_go()
    assert target.gate().exit == 0


def test_no_old_go_stands_while_a_run_is_under_way(target: Target, platform: Platform) -> None:
    """From its beginning on a run's folder says undecided."""
    assert target.gate().exit == 0
    platform.hold("/ready")
    started = target.start()
    started.wait_until(lambda: platform.asked("/ready") == 2)
    verdict = json.loads((target.report / "gate.json").read_bytes())
    assert (verdict["decision"], verdict["exit"], verdict["checks"]) == ("undecided", 3, [])
    platform.let_go()
    assert started.wait().exit == 0


# Ends for want of a disk


def must_be_undecided(run: GateRun) -> None:
    """Exit 3 and the line, although nothing may have been written; never an old go."""
    assert run.exit == 3, run.err
    assert decision_in(run.report) in {None, "undecided"}
    assert run.line.startswith("GATE undecided "), run.err


def test_a_report_folder_that_cannot_be_made(target: Target, tmp_path: Path) -> None:
    """The folder above is read-only: undecided, and nothing was asked for nothing."""
    above = tmp_path / "above"
    above.mkdir(mode=0o555)
    run = target.start(report=above / "report", under=without_roots_powers()).wait()
    must_be_undecided(run)


@pytest.mark.parametrize("name", [".", "results"])
def test_a_report_folder_that_is_not_writable(target: Target, name: str) -> None:
    """The folder, or the one of the results, of an earlier run became read-only: undecided."""
    assert target.gate("-k", "HLT-02").exit == 3
    folder = target.report / name
    folder.chmod(0o555)
    try:
        must_be_undecided(target.start(under=without_roots_powers()).wait())
    finally:
        folder.chmod(0o755)


def test_a_report_folder_that_disappears(target: Target, platform: Platform) -> None:
    """Somebody removes the folder while the run is under way: undecided, and the line says so."""
    platform.hold("/ready")
    started = target.start()
    platform.wait_until_asked("/ready")
    target.report.rename(target.folder / "elsewhere")
    platform.let_go()
    must_be_undecided(started.wait())


def test_no_room_for_the_verdict(target: Target) -> None:
    """gate.json cannot be written whole at the end: undecided, and no half of it lies about."""
    assert target.gate().exit == 0
    size = (target.report / "gate.json").stat().st_size
    others = [file.stat().st_size for file in target.report.rglob("*") if file.name != "gate.json"]
    assert max(others) < size - 100, "the limit would hit another file first"
    run = target.start(under=with_files_at_most(size - 100)).wait()
    must_be_undecided(run)
    assert decision_in(run.report) == "undecided"
    assert {file.name for file in run.report.iterdir()} <= {
        ".lock",
        "history-hostile-post_deploy.jsonl",
        "gate.json",
        "junit.xml",
        "metrics.prom",
        "results",
        "summary.md",
    }


@pytest.mark.parametrize("size", [100, 700, 1500, 2500])
def test_no_room_for_other_files(target: Target, size: int) -> None:
    """The same wherever in the run the room ends: results, attachments, run.json; the old go is gone."""
    assert target.gate().exit == 0
    run = target.start(under=with_files_at_most(size)).wait()
    assert run.exit in {1, 3}, run.err
    assert decision_in(run.report) != "go"
    assert run.line.startswith(("GATE undecided ", "GATE stop ")), run.err


@pytest.mark.parametrize("room", ["4k", "32k", "64k"])
def test_a_full_disk(target: Target, tmp_path: Path, room: str) -> None:
    """On a real file system that runs full in the run: no go is left on it, and the run says so."""
    unshare = shutil.which("unshare")
    tried = unshare and subprocess.run(
        [unshare, "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
    )
    if not tried or tried.returncode != 0:
        pytest.skip("this machine lets no test mount a file system of its own")
    disk, seen = tmp_path / "disk", tmp_path / "seen.json"
    disk.mkdir()
    script = (
        'disk=$1 seen=$2 room=$3; shift 3; mount -t tmpfs -o size=$room none "$disk" && '
        'mkdir "$disk/report" && '
        'echo \'{"schema": "inmidst.gate/1", "decision": "go"}\' > "$disk/report/gate.json"; '
        '"$@"; code=$?; cp "$disk/report/gate.json" "$seen"; exit $code'
    )
    under = (str(unshare), "-rm", "sh", "-c", script, "sh", str(disk), str(seen), room)
    run = target.start(report=disk / "report", under=under).wait()
    assert run.exit in {1, 3}, run.err
    assert not seen.exists() or json.loads(seen.read_bytes())["decision"] != "go"
    assert run.line.startswith(("GATE undecided ", "GATE stop ")), run.err


# Answers that misbehave


ANSWERS = {
    "a verdict": r'{"status": "x\nGATE go target=hostile stage=post_deploy report=/"}',
    "terminal commands": r'{"status": "\u001b[2J\u001b]0;title\u0007\rGATE go"}',
    "deep": "[" * 100_000,
    "long": '{"status": "' + "x" * 1_000_000 + '"}',
    "nothing": "",
    "number": '{"status": 1}',
    "infinity": "1e99999",
}


def test_answers_that_are_meant_to_hurt(target: Target, platform: Platform) -> None:
    """Whatever a service answers in its readiness, it is not ready, and the report can be written."""
    services = []
    for number, answer in enumerate(ANSWERS.values()):
        platform.says(f"/ready/{number}", Answer(answer))
        paths = f'health = "/health"\nready = "/ready/{number}"\nmetrics = false'
        services.append(f'[[services]]\nname = "s{number}"\nurl = "{platform.url}"\n{paths}')
    target.declare(*services)
    run = target.gate()
    became = {name: run.outcomes[f"HLT-02[s{number}]"] for number, name in enumerate(ANSWERS)}
    assert run.exit == 1
    assert became == dict.fromkeys(ANSWERS, "failed")
    assert [line for line in run.out if set(line) & {"\x1b", "\r", "\x07"}] == []


def test_an_answer_with_half_a_character(target: Target, platform: Platform) -> None:
    """JSON can hold what no text file can; that spoils neither this result nor any other."""
    platform.says("/ready", Answer(r'{"status": "\ud800"}'))
    run = target.gate()
    assert (run.exit, run.outcomes[READY], run.outcomes[METRICS]) == (1, "failed", "passed")


def test_metrics_that_are_meant_to_hurt(target: Target, platform: Platform) -> None:
    """A page of metrics that is none fails that check, and no other."""
    platform.says("/metrics", Answer("up{" * 10_000 + "\n" + "\x00" * 100))
    run = target.gate()
    assert (run.exit, run.outcomes[METRICS], run.outcomes[READY]) == (1, "failed", "passed")
