"""Whole gate runs: what is asked, what a part is, what is refused, and what is written where."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.gate.gates import (
    HEALTHY,
    METRICS,
    NOT_READY,
    POSTGRES,
    READY,
    READY_ANSWER,
    REDIS,
    Answer,
    Platform,
    Target,
    excuse,
)
from tests.gate.hostile import closed_port

ALL = {HEALTHY, READY, METRICS, POSTGRES, REDIS}


def test_a_healthy_platform_is_go(target: Target) -> None:
    """Everything planned was looked at and is good, or is a gap: go, exit 0, and no reasons."""
    run = target.gate("--release=v1.2.3")
    verdict = run.verdict
    assert run.exit == 0
    assert run.line == f"GATE go target=hostile stage=post_deploy report={target.report}"
    assert run.outcomes == {
        HEALTHY: "passed",
        READY: "passed",
        METRICS: "passed",
        POSTGRES: "gap",
        REDIS: "gap",
    }
    assert (verdict["release"], verdict["selection"], verdict["runs"][0]["pytest_exit"]) == (
        "v1.2.3",
        "stage",
        0,
    )
    assert verdict["cost"]["requests"] == 3


def test_a_verdict_holds_for_as_long_as_the_environment_says(target: Target) -> None:
    """`valid_until` is the run's end plus the stage's policy, 30 minutes by default."""
    target.declare("[policy.post_deploy]\nvalid_for_minutes = 7")
    verdict = target.gate().verdict
    ended = datetime.fromisoformat(verdict["runs"][0]["ended"])
    assert datetime.fromisoformat(verdict["valid_until"]) - ended == timedelta(minutes=7)


def test_a_sick_platform_is_stop(target: Target, platform: Platform) -> None:
    """A failed blocker stops, and says where, what was seen, what was expected, and what to do."""
    platform.says("/ready", NOT_READY)
    run = target.gate()
    check = run.check(READY)
    assert run.exit == 1
    assert (check["outcome"], check["effect"], check["seen"], check["expected"]) == (
        "failed",
        "stop",
        "503",
        "200",
    )
    assert check["where"] == f"{platform.url}/ready"
    assert check["remedy"]


def test_a_failed_normal_check_warns(target: Target, platform: Platform) -> None:
    """A failed check of severity normal warns, and the decision is go."""
    platform.says("/metrics", Answer("<html>"))
    target.declare('[[severities]]\ncheck = "HLT-03"\nseverity = "normal"\nreason = "nobody reads them here"')
    run = target.gate()
    assert (run.exit, run.check(METRICS)["effect"]) == (0, "warn")
    assert any(METRICS in warning for warning in run.verdict["warnings"])


def test_nothing_planned_is_undecided(target: Target) -> None:
    """A stage without a check measures nothing, so it does not say go."""
    run = target.gate(stage="weekly")
    assert (run.exit, run.verdict["checks"]) == (3, [])


def test_all_gaps_is_undecided(target: Target, platform: Platform) -> None:
    """When everything is a gap nothing was looked at: undecided."""
    target.declare(services=False, without=("services", "postgres", "redis"))
    run = target.gate()
    assert (run.exit, run.verdict["counts"]["gap"]) == (3, 5)
    assert platform.asked("/health") == 0


def test_every_look_refused_is_stop(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing answers: reachability has failed, all else could not look, and there is one cause each."""
    with closed_port() as port:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://midst:hunter-two@127.0.0.1:{port}/midst")
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
        target.url = f"http://127.0.0.1:{port}"
        target.declare('[postgres]\ndsn_from = "DATABASE_URL"', '[redis]\nurl_from = "REDIS_URL"', without=())
        run = target.gate()
    assert run.exit == 1
    assert run.outcomes == {
        HEALTHY: "failed",
        READY: "failed",
        METRICS: "could_not_look",
        "HLT-05[postgres]": "failed",
        "HLT-06[redis]": "failed",
    }
    assert {(cause["where"], cause["why"]) for cause in run.verdict["causes"]} == {
        ("api", "connection refused"),
        ("postgres", "connection refused"),
        ("redis", "connection refused"),
    }
    assert "hunter-two" not in "\n".join(run.out) + run.err + json.dumps(run.verdict)


def test_settled_only_at_the_second_look(target: Target, platform: Platform) -> None:
    """A service that gets ready within the settling budget passes; the verdict says it took two looks."""
    platform.says("/ready", NOT_READY, READY_ANSWER)
    run = target.gate("--settle=20")
    assert (run.exit, run.check(READY)["looks"], platform.asked("/ready")) == (0, 2, 2)
    assert any(READY in warning and "look 2" in warning for warning in run.verdict["warnings"])


def test_without_a_settling_budget_the_first_look_counts(target: Target, platform: Platform) -> None:
    """With `--settle=0` a service that is not ready at once has failed."""
    platform.says("/ready", NOT_READY, READY_ANSWER)
    run = target.gate()
    assert (run.exit, run.outcomes[READY], platform.asked("/ready")) == (1, "failed", 1)


SERVICES = "checks/health/test_services.py"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["-k", "HLT-02"], {READY}),
        (["-k", "not HLT-06"], ALL - {REDIS}),
        ([SERVICES], {HEALTHY, READY, METRICS}),
        ([f"{SERVICES}::test_service_is_ready"], {READY}),
        ([f"{SERVICES}::test_service_is_ready[api]"], {READY}),
        ([f"--deselect={SERVICES}::test_service_is_ready"], ALL - {READY}),
        ([f"--ignore={SERVICES}"], {POSTGRES, REDIS}),
        (["--ignore=checks/health/test_stores.py"], {HEALTHY, READY, METRICS}),
        (["--ignore-glob=*stores*"], {HEALTHY, READY, METRICS}),
        (["-m", "not check"], set()),
    ],
    ids=lambda value: " ".join(value).replace("/", ".") if isinstance(value, list) else "",
)
def test_a_part_of_the_stage_never_says_go(target: Target, options: list[str], asked: set[str]) -> None:
    """What was taken away makes the selection a part: undecided, and each check taken away is named."""
    run = target.gate(*options)
    assert (run.exit, run.verdict["selection"]) == (3, "part")
    assert set(run.outcomes) == asked
    reasons = " ".join(run.verdict["reasons"])
    assert {name for name in ALL if name in reasons} >= ALL - asked


def test_a_part_by_variable_is_a_part(target: Target) -> None:
    """PYTEST_ADDOPTS takes away like an option does."""
    run = target.gate(variables={"PYTEST_ADDOPTS": SERVICES})
    assert (run.exit, run.verdict["selection"]) == (3, "part")


def test_asking_for_all_is_the_stage(target: Target) -> None:
    """A path that leaves nothing out takes nothing away."""
    run = target.gate("checks", "-k", "HLT")
    assert (run.exit, run.verdict["selection"]) == (0, "stage")


def test_a_part_that_is_red_stops(target: Target, platform: Platform) -> None:
    """Stop comes before undecided: a red part is a stop."""
    platform.says("/ready", NOT_READY)
    assert target.gate("-k", "HLT-02").exit == 1


def test_last_failed_is_a_part(target: Target, platform: Platform) -> None:
    """`--lf` asks only what was red; that it has recovered says nothing of the rest."""
    platform.says("/ready", NOT_READY)
    assert target.gate().exit == 1
    platform.says("/ready", READY_ANSWER)
    run = target.gate("--lf")
    assert (run.exit, run.outcomes, run.verdict["selection"]) == (3, {READY: "passed"}, "part")


def test_ending_at_the_first_failure_leaves_no_result(target: Target, platform: Platform) -> None:
    """With `-x` what comes after the first failure has no result, and that is no pass."""
    platform.says("/health", NOT_READY)
    run = target.gate("-x")
    assert run.exit == 1
    assert set(run.outcomes.values()) == {"failed", "no_result"}


@pytest.mark.parametrize("option", ["--setup-plan", "--setup-only", "--fixtures", "--fixtures-per-test"])
def test_options_that_run_no_check_say_no_go(target: Target, option: str) -> None:
    """Pytest's options that show instead of asking end with no go, in line and exit code alike."""
    assert target.gate(option).exit in {1, 3, 4}


@pytest.mark.parametrize("level", ["1", "2"])
def test_comparisons_count_when_python_drops_asserts(target: Target, platform: Platform, level: str) -> None:
    """With PYTHONOPTIMIZE and without pytest's rewriting no comparison is made, so there is no go."""
    platform.says("/ready", NOT_READY)
    assert target.gate("--assert=plain", variables={"PYTHONOPTIMIZE": level}).exit in {1, 3, 4}


def test_a_new_run_removes_only_what_it_names(target: Target) -> None:
    """In a report folder the old report goes, what somebody else put there stays."""
    assert target.gate().exit == 0
    note = target.report / "note.txt"
    note.write_text("ours", encoding="utf-8")
    old = set((target.report / "results").iterdir())
    assert target.gate().exit == 0
    assert note.read_text(encoding="utf-8") == "ours"
    assert {file.name for file in old & set((target.report / "results").iterdir())} == {
        "run.json",
        "environment.properties",
        "executor.json",
    }


def test_the_step_summary_is_appended(target: Target, tmp_path: Path) -> None:
    """summary.md is appended to the file named by GITHUB_STEP_SUMMARY, after what stands there."""
    step = tmp_path / "step.md"
    step.write_text("earlier step\n", encoding="utf-8")
    run = target.gate(variables={"GITHUB_STEP_SUMMARY": str(step)})
    summary = (run.report / "summary.md").read_text(encoding="utf-8")
    assert step.read_text(encoding="utf-8") == f"earlier step\n{summary}"
    assert "GO" in summary


def test_the_environment_may_be_named_by_variable(target: Target) -> None:
    """INMIDST_ENV stands in for `--env`."""
    started = target.start()
    assert started.wait().exit == 0
    command = [word for word in started.command if not word.startswith("--env")]
    started.variables["INMIDST_ENV"] = str(target.file)
    again = type(started)(command, started.suite, started.report, started.variables).wait()
    again.must_tell_one_story()
    assert again.exit == 0


def test_workers_come_to_the_same_outcomes(target: Target, platform: Platform) -> None:
    """With and without `-n 2`: the same decision, outcomes, effects, reasons and number of looks."""
    platform.says("/health", Answer("", 500))
    platform.says("/metrics", Answer("<html>"))
    target.declare(excuse("waivers", check="HLT-03"))
    alone = target.gate()
    spread = target.gate("-n", "2", report=target.folder / "spread")
    told = ("decision", "exit", "counts", "reasons", "warnings", "causes", "selection")
    assert {key: spread.verdict[key] for key in told} == {key: alone.verdict[key] for key in told}
    assert (
        spread.outcomes
        == alone.outcomes
        == {
            HEALTHY: "failed",
            READY: "passed",
            METRICS: "waived",
            POSTGRES: "gap",
            REDIS: "gap",
        }
    )
    assert spread.verdict["cost"]["looks"] == alone.verdict["cost"]["looks"] == 3


def test_two_runs_at_once_in_one_folder(target: Target, platform: Platform) -> None:
    """The folder belongs to the first run; the second is refused with exit 4 and spoils nothing."""
    platform.hold("/ready")
    first = target.start()
    platform.wait_until_asked("/ready")
    target.gate().must_have_refused(str(target.report), "another run")
    assert json.loads((target.report / "gate.json").read_bytes())["decision"] == "undecided"
    platform.let_go()
    run = first.wait()
    run.must_tell_one_story()
    assert (run.exit, run.verdict["counts"]["passed"]) == (0, 3)


def test_two_runs_at_once_in_two_folders(target: Target, platform: Platform) -> None:
    """Runs with a folder each do not know of each other."""
    platform.hold("/ready")
    first = target.start()
    second = target.start(report=target.folder / "second")
    first.wait_until(lambda: platform.asked("/ready") == 2)
    platform.let_go()
    for run in (first.wait(), second.wait()):
        run.must_tell_one_story()
        assert run.exit == 0


def test_an_unset_secret_is_could_not_look(target: Target) -> None:
    """A variable that is unset or empty: could not look, with its name; never read as an empty address."""
    target.declare('[postgres]\ndsn_from = "NOWHERE_SET"', without=("redis",))
    assert "NOWHERE_SET" not in os.environ
    run = target.gate(variables={"NOWHERE_SET": ""})
    check = run.check("HLT-05[postgres]")
    assert (run.exit, check["outcome"]) == (1, "could_not_look")
    assert "NOWHERE_SET" in check["message"]
