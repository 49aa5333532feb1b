"""`python -m reports.gate` over what real runs left behind, and over what became of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reports import gate
from tests.gate.gates import (
    CLONE,
    HEALTHY,
    METRICS,
    NOT_READY,
    PAST,
    READY,
    Platform,
    Target,
    clean_environment,
    excuse,
    outcomes,
)

Table = dict[str, Any]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, suite: Path) -> dict[str, Path]:
    """Real report folders, run once: a green one, a red one, one of another release, two halves."""
    folder = tmp_path_factory.mktemp("runs")
    platform = Platform()
    target = Target(folder, platform.url, suite)
    waived = excuse("waivers", check="HLT-03")
    target.declare(waived)
    asked = {
        "green": ["--release=v1"],
        "other": ["--release=v2"],
        "first half": ["-k", "HLT-01 or HLT-05"],
        "second half": ["-k", "not HLT-01 and not HLT-05"],
    }
    try:
        reports = {
            name: target.gate(*options, report=folder / name).report for name, options in asked.items()
        }
        platform.says("/ready", NOT_READY)
        reports["red"] = target.gate("--release=v1", report=folder / "red").report
        reports["red half"] = target.gate("-k", "HLT-02", report=folder / "red half").report
    finally:
        platform.close()
    return reports


@pytest.fixture
def report(runs: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the green run's report folder, to be damaged."""
    return Path(shutil.copytree(runs["green"], tmp_path / "report"))


class Decided:
    """What `python -m reports.gate` said of some folders."""

    def __init__(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        self._capsys = capsys
        self._json = tmp_path / "decided.json"

    def __call__(self, *folders: Path) -> tuple[int, Table]:
        """Decide; the exit code, and the verdict, after a look at the last line."""
        exit_code = gate.main([*map(str, folders), f"--json={self._json}"])
        last = self._capsys.readouterr().out.splitlines()[-1]
        verdict: Table = json.loads(self._json.read_bytes())
        assert last.startswith(f"GATE {verdict['decision']} target={verdict['target']} stage=")
        assert verdict["exit"] == exit_code
        assert bool(verdict["reasons"]) == (exit_code != 0)
        return exit_code, verdict


@pytest.fixture
def decided(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Decided:
    """Decide from folders as `python -m reports.gate` does."""
    return Decided(capsys, tmp_path)


def result_file(report: Path, check: str) -> Path:
    """The Allure result of a check."""
    for file in (report / "results").glob("*-result.json"):
        if {"name": "check", "value": check} in json.loads(file.read_bytes())["labels"]:
            return file
    raise AssertionError(f"no result of {check}")


def without_history(verdict: Table) -> Table:
    """A verdict without what belongs to the moment of deciding, or to earlier runs."""
    checks = [{**check, "red_since": None} for check in verdict["checks"]]
    return {**verdict, "decided_at": None, "checks": checks}


def change(file: Path, edit: Callable[[Table], None]) -> None:
    """Change a JSON file."""
    table = json.loads(file.read_bytes())
    edit(table)
    file.write_text(json.dumps(table), encoding="utf-8")


def change_run(report: Path, edit: Callable[[Table], None]) -> None:
    """Change run.json."""
    change(report / "results" / "run.json", edit)


@pytest.mark.parametrize("name", ["green", "red", "first half"])
def test_a_later_decision_is_the_runs_own(runs: dict[str, Path], name: str, tmp_path: Path) -> None:
    """As a command: the same exit code, last line and verdict as the run had; only `--json` is written."""
    report = runs[name]
    before = {file: file.stat().st_mtime_ns for file in report.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "reports.gate", str(report / "results"), f"--json={tmp_path / 'again.json'}"],
        cwd=CLONE,
        env=clean_environment(CLONE, {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    own = json.loads((report / "gate.json").read_bytes())
    again = json.loads((tmp_path / "again.json").read_bytes())
    assert done.returncode == own["exit"]
    assert done.stdout.splitlines()[-1] == (
        f"GATE {own['decision']} target=hostile stage=post_deploy report={report}"
    )
    assert without_history(again) == without_history(own)
    assert {file: file.stat().st_mtime_ns for file in report.rglob("*")} == before


def test_two_halves_are_the_stage(runs: dict[str, Path], decided: Decided) -> None:
    """Parts that together cover the plan are the stage, and can say go."""
    exit_code, verdict = decided(runs["first half"], runs["second half"] / "results")
    assert (exit_code, verdict["selection"], len(verdict["runs"])) == (0, "stage", 2)
    assert verdict["counts"] == {
        "passed": 3,
        "failed": 0,
        "could_not_look": 0,
        "no_result": 0,
        "gap": 2,
        "waived": 0,
    }


def test_one_half_twice_is_a_part(runs: dict[str, Path], decided: Decided) -> None:
    """The same half twice covers no more than once."""
    exit_code, verdict = decided(runs["first half"], runs["first half"])
    assert (exit_code, verdict["selection"]) == (3, "part")


def test_of_several_results_the_worst_counts(runs: dict[str, Path], decided: Decided) -> None:
    """A check that failed in one of the merged runs has failed."""
    exit_code, verdict = decided(runs["first half"], runs["second half"], runs["red half"])
    assert (exit_code, outcomes(verdict)[READY]) == (1, "failed")


def test_of_several_results_in_one_run_the_worst_counts(
    report: Path, runs: dict[str, Path], decided: Decided
) -> None:
    """The same within one folder: a second result does not paint the first one over."""
    shutil.copy(result_file(runs["red"], "HLT-02"), report / "results" / "0-result.json")
    for attachment in (runs["red"] / "results").glob("*-attachment.*"):
        shutil.copy(attachment, report / "results")
    exit_code, verdict = decided(report)
    assert (exit_code, outcomes(verdict)[READY]) == (1, "failed")


def test_plans_of_different_releases_are_undecided(runs: dict[str, Path], decided: Decided) -> None:
    """Runs of two releases say nothing about either."""
    exit_code, verdict = decided(runs["green"], runs["other"])
    assert exit_code == 3
    assert any("v1" in reason and "v2" in reason for reason in verdict["reasons"])


@pytest.mark.parametrize(
    ("key", "value"), [("target", "elsewhere"), ("stage", "nightly"), ("commit", "abc"), ("protected", True)]
)
def test_runs_that_disagree_are_undecided(
    runs: dict[str, Path], report: Path, decided: Decided, key: str, value: object
) -> None:
    """So are runs of two targets, stages or commits."""
    change_run(report, lambda run: run.update({key: value}))
    assert decided(runs["green"], report)[0] == 3


def test_an_empty_folder_is_undecided(tmp_path: Path, decided: Decided) -> None:
    """Nothing says what was planned."""
    empty = tmp_path / "empty"
    empty.mkdir()
    exit_code, verdict = decided(empty)
    assert (exit_code, verdict["checks"]) == (3, [])


def test_a_missing_folder_beside_a_good_one_is_undecided(
    runs: dict[str, Path], tmp_path: Path, decided: Decided
) -> None:
    """A job whose results never arrived is not left out of the account."""
    assert decided(runs["green"], tmp_path / "never arrived")[0] == 3


UNREADABLE = {
    "empty": b"",
    "cut": b'{"name": "HLT-02[api]", "status": "pas',
    "bytes": b"\xff\xfe\x00",
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "labels": b'{"labels": 3, "status": "passed"}',
    "times": b'{"labels": [], "start": "soon", "stop": "later"}',
    "deep": b"[" * 100_000,
    "parameters": b'{"labels": [{"name": "check", "value": "HLT-02"}], "parameters": [3]}',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_result_is_no_go(report: Path, decided: Decided, text: bytes) -> None:
    """A result that cannot be read may have been the red one: beside green ones it makes undecided."""
    (report / "results" / "0-result.json").write_bytes(text)
    exit_code, verdict = decided(report)
    assert (exit_code, set(outcomes(verdict).values())) == (3, {"passed", "gap"})
    assert any("0-result.json" in reason for reason in verdict["reasons"])


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_plan_is_undecided(report: Path, decided: Decided, text: bytes) -> None:
    """Without run.json nothing says what was planned."""
    (report / "results" / "run.json").write_bytes(text)
    assert decided(report)[0] == 3


def test_a_result_folder_in_a_results_place_is_no_go(report: Path, decided: Decided) -> None:
    """A folder or a dangling link where a result should be cannot be read."""
    (report / "results" / "0-result.json").symlink_to(report / "gone")
    assert decided(report)[0] == 3


def test_a_missing_result_is_no_result(report: Path, decided: Decided) -> None:
    """Planned, but nothing came back: a blocker stops."""
    result_file(report, "HLT-02").unlink()
    exit_code, verdict = decided(report)
    assert (exit_code, outcomes(verdict)[READY]) == (1, "no_result")


def test_a_missing_result_of_a_normal_check_is_undecided(report: Path, decided: Decided) -> None:
    """Planned without result and of severity normal: undecided, not merely a warning."""

    def lower(run: Table) -> None:
        for check in run["checks"]:
            check["severity"] = "normal"

    change_run(report, lower)
    result_file(report, "HLT-02").unlink()
    exit_code, verdict = decided(report)
    assert (exit_code, outcomes(verdict)[READY]) == (3, "no_result")


@pytest.mark.parametrize("status", ["skipped", "unknown", None, "PASSED", 1])
def test_a_status_that_is_no_result(report: Path, decided: Decided, status: object) -> None:
    """Skipped without a gap, unknown, or a status nobody knows: no result."""
    change(result_file(report, "HLT-02"), lambda result: result.update(status=status))
    exit_code, verdict = decided(report)
    assert (exit_code, outcomes(verdict)[READY]) == (1, "no_result")


def test_a_pass_without_a_judgement_is_no_result(report: Path, decided: Decided) -> None:
    """Passed, but nothing shows what was looked at: not believed."""
    change(result_file(report, "HLT-02"), lambda result: result.update(parameters=[]))
    exit_code, verdict = decided(report)
    assert (exit_code, outcomes(verdict)[READY]) == (1, "no_result")


def test_a_judgement_that_cannot_be_read_is_no_go(report: Path, decided: Decided) -> None:
    """A result whose judgement cannot be read is an unreadable result."""

    def damage(result: Table) -> None:
        for parameter in result["parameters"]:
            if parameter["name"] == "judgement":
                parameter["value"] = '\'{"looks": '

    change(result_file(report, "HLT-02"), damage)
    assert decided(report)[0] in {1, 3}


def test_a_result_that_no_plan_names_is_undecided(report: Path, decided: Decided) -> None:
    """It belongs to another run, or the plan is not whole."""

    def rename(result: Table) -> None:
        result["labels"] = [{"name": "check", "value": "ZZZ-99"}]

    shutil.copy(result_file(report, "HLT-02"), report / "results" / "0-result.json")
    change(report / "results" / "0-result.json", rename)
    exit_code, verdict = decided(report)
    assert exit_code == 3
    assert any("ZZZ-99" in reason for reason in verdict["reasons"])


def test_a_gap_that_was_asked_all_the_same_is_judged(report: Path, decided: Decided) -> None:
    """A gap excuses silence, not a result that says failed."""
    change(result_file(report, "HLT-05"), lambda result: result.update(status="failed"))
    assert decided(report)[0] == 1


def test_a_verdict_past_its_validity_is_undecided(report: Path, decided: Decided) -> None:
    """What was good an hour ago is no permission now."""

    def age(run: Table) -> None:
        for key in ("started", "ended"):
            run[key] = (datetime.fromisoformat(run[key]) - timedelta(hours=1)).isoformat()

    change_run(report, age)
    exit_code, verdict = decided(report)
    assert (exit_code, verdict["selection"]) == (3, "stage")
    assert datetime.fromisoformat(verdict["valid_until"]) < datetime.fromisoformat(verdict["decided_at"])


def test_validity_counts_from_the_oldest_run(runs: dict[str, Path], decided: Decided, tmp_path: Path) -> None:
    """Of merged runs the oldest end counts."""
    old = Path(shutil.copytree(runs["first half"], tmp_path / "old"))
    ended = json.loads((old / "results" / "run.json").read_bytes())["ended"]
    earlier = datetime.fromisoformat(ended) - timedelta(minutes=20)
    change_run(old, lambda run: run.update(started=earlier.isoformat(), ended=earlier.isoformat()))
    exit_code, verdict = decided(runs["second half"], old)
    assert exit_code == 0
    assert datetime.fromisoformat(verdict["valid_until"]) == earlier + timedelta(minutes=30)


def test_a_run_without_end_is_undecided(report: Path, decided: Decided) -> None:
    """It was cut off, whatever its results say."""
    change_run(report, lambda run: run.update(ended=None, pytest_exit=None))
    exit_code, verdict = decided(report)
    assert exit_code == 3
    assert verdict["runs"][0]["ended"] is None


@pytest.mark.parametrize("status", [1, 2, 3, 5, 70])
def test_an_exit_status_that_no_result_explains_is_undecided(
    report: Path, decided: Decided, status: int
) -> None:
    """Pytest saw a failure, or broke, and the results are all green: something is missing."""
    change_run(report, lambda run: run.update(pytest_exit=status))
    assert decided(report)[0] == 3


def test_excuses_are_judged_as_of_now(report: Path, runs: dict[str, Path], decided: Decided) -> None:
    """A gap that has ended since the run is could not look; so it is decided again."""

    def end(run: Table) -> None:
        for check in run["checks"]:
            if check["gap"]:
                check["gap"]["until"] = PAST

    change_run(report, end)
    exit_code, verdict = decided(report)
    assert (exit_code, verdict["counts"]["could_not_look"]) == (1, 2)
    assert outcomes(verdict)[HEALTHY] == outcomes(verdict)[METRICS] == "passed"


def test_an_unwritable_verdict_is_no_go(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When `--json` cannot be written: exit 3, and the line says undecided."""
    exit_code = gate.main([str(runs["green"]), f"--json={tmp_path / 'gone' / 'gate.json'}"])
    assert exit_code == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("GATE undecided ")


@pytest.mark.parametrize("arguments", [[], ["--no-such-option", "x"]])
def test_bad_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4, a message on stderr, no GATE line."""
    assert gate.main(arguments) == 4
    said = capsys.readouterr()
    assert "GATE" not in said.out
    assert said.err
