"""The history over the runs: since when a check is red, and what is drawn from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from reports.history import KEPT_RUNS, KeptRun, history_file, keep, read_history, red_since, with_history
from reports.plots import COURSES, draw_course, read_points
from reports.run import RunCost
from reports.verdict import CheckVerdict, Counts, JudgedRun, Verdict

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


def kept(hour: int, *red: str) -> KeptRun:
    """A kept run at that hour, with these checks red."""
    return KeptRun(
        id=f"run {hour}",
        decided_at=NOON.replace(hour=hour),
        decision="stop" if red else "go",
        release=None,
        red=dict.fromkeys(red, "failed"),
        measures={"HLT-01[api]": {"answer_seconds": hour / 1000}},
    )


def verdict(*, failed: bool) -> Verdict:
    """The verdict of a run at noon with one check."""
    check = CheckVerdict(
        id="HLT-01",
        subject="api",
        outcome="failed" if failed else "passed",
        effect="stop" if failed else "none",
        severity="blocker",
        title="t",
        where="w",
        seen=None,
        expected=None,
        message="",
        remedy="r",
        runbook="daily",
        looks=1,
        measures={"answer_seconds": 0.012},
        taken_at=NOON,
        seconds=0,
        waiver=None,
        gap=None,
    )
    return Verdict(
        decision="stop" if failed else "go",
        exit=int(failed),
        target="local",
        protected=False,
        stage="nightly",
        release=None,
        commit=None,
        decided_at=NOON,
        valid_until=NOON + timedelta(hours=1),
        selection="stage",
        runs=[JudgedRun(id="now", results="r", started=NOON, ended=NOON, pytest_exit=0, errors=[])],
        cost=RunCost(),
        counts=Counts(),
        reasons=[],
        warnings=[],
        causes=[],
        checks=[check],
    )


def test_red_since_the_unbroken_row_began() -> None:
    """A run in which the check was good breaks the row; without history it is new."""
    history = [kept(1, "HLT-01[api]"), kept(2), kept(3, "HLT-01[api]", "HLT-02[api]"), kept(4, "HLT-01[api]")]
    assert red_since(history, "HLT-01[api]", NOON) == NOON.replace(hour=3)
    assert red_since(history, "HLT-02[api]", NOON) == NOON
    assert red_since([], "HLT-01[api]", NOON) == NOON


def test_the_verdict_says_it_of_red_checks_only() -> None:
    """A good check has no such moment."""
    history = [kept(4, "HLT-01[api]")]
    assert with_history(verdict(failed=True), history).checks[0].red_since == NOON.replace(hour=4)
    assert with_history(verdict(failed=False), history).checks[0].red_since is None


def test_the_history_is_bounded(tmp_path: Path) -> None:
    """The oldest runs go, a broken line is left out."""
    file = history_file(tmp_path, "local", "nightly")
    file.write_text('{"broken\n')
    for _ in range(3):
        keep(file, read_history(file), verdict(failed=True))
    assert [run.red for run in read_history(file)] == [{"HLT-01[api]": "failed"}] * 3
    keep(file, [kept(1)] * (KEPT_RUNS + 5), verdict(failed=False))
    assert len(read_history(file)) == KEPT_RUNS


def test_the_latency_over_the_runs_is_drawn(tmp_path: Path) -> None:
    """From the file alone, without the suite's models; a broken line is left out."""
    file = history_file(tmp_path, "local", "nightly")
    lines = [kept(hour).model_dump_json() for hour in (1, 2, 3)]
    file.write_text("\n".join([*lines, "{", '{"measures": 1}']))
    course = read_points(file)["HLT-01[api]"]["answer_seconds"]
    assert [point.value for point in course] == [0.001, 0.002, 0.003]
    assert draw_course("HLT-01[api]", course, COURSES["answer_seconds"]).startswith(PNG)


def test_what_a_drill_measured_is_drawn(tmp_path: Path) -> None:
    """Each measure by itself, in the unit that it is read in; what is no course of ours is left out."""
    file = history_file(tmp_path, "local", "nightly")
    measures = {"BAK-06[backups]": {"rto_seconds": 2.0, "restore_seconds": 1.0, "server_start_seconds": 1.0}}
    runs = [kept(hour).model_copy(update={"measures": measures}) for hour in (1, 2)]
    file.write_text("\n".join(run.model_dump_json() for run in runs))
    courses = read_points(file)["BAK-06[backups]"]
    assert courses.keys() == {"rto_seconds", "restore_seconds"}
    assert draw_course("BAK-06", courses["rto_seconds"], COURSES["rto_seconds"]).startswith(PNG)
