"""MNT-06: each task was done in time, by the kind of proof that its table asks for."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import RUNBOOK_TASKS
from opsverify.looking import CouldNotLook
from opsverify.probes.routine import routine
from opsverify.verdicts import read_verdict
from tests.opsverify.recording import NOW, attested, recorded

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ATTESTED = '[[records.tasks]]\nname = "logs rotated"\nevery = "week"\n'
NIGHTLY = '[[records.tasks]]\nname = "nightly run"\nevery = "day"\nstage = "nightly"\n'
LOAD = '[[records.tasks]]\nname = "load tested"\nevery = "month"\nstage = "load"\nrecord = "load-run"\n'


def verdict(**changes: Any) -> dict[str, Any]:
    """A gate.json, as far as it is read."""
    return {
        "schema": "inmidst.gate/1",
        "decision": "go",
        "target": "e",
        "stage": "nightly",
        "selection": "stage",
        "decided_at": (NOW - HOUR).isoformat(),
        **changes,
    }


def overdue(
    folder: Path, tasks: str, records: Any = (), verdicts: Any = (), rules: str = ""
) -> tuple[str, ...]:
    """What MNT-06 finds; verdicts lie among the records, by file."""
    environment = recorded(folder, dict(records), rules=rules + tasks)
    for name, table in dict(verdicts).items():
        (folder / "records" / name).write_text(table if isinstance(table, str) else json.dumps(table))
    assert environment.records is not None
    return routine(environment, environment.records).overdue


@pytest.mark.parametrize(
    ("age", "found"),
    [
        (timedelta(0), ()),
        (7.9 * DAY, ()),
        (9 * DAY, ("logs rotated: 9.0 days ago, expected within 8 days",)),
    ],
)
def test_a_task_of_people_is_attested_in_time(tmp_path: Path, age: timedelta, found: tuple[str, ...]) -> None:
    """A week and a day at most, for a weekly one."""
    said = overdue(tmp_path, ATTESTED, {"a.toml": attested("Logs rotated", when=NOW - age)})
    assert tuple(one.partition(" (")[0] for one in said) == found


def test_a_task_that_nobody_attested_was_never_done(tmp_path: Path) -> None:
    """Neither by another's record, nor by one that does not count."""
    assert overdue(tmp_path, ATTESTED) == ("logs rotated: never",)
    assert overdue(tmp_path, ATTESTED, {"a.toml": attested("logs read")}) == ("logs rotated: never",)
    rules = '[[records.rules]]\nkind = "attestation"\nby = ["somebody"]\n'
    assert overdue(tmp_path, ATTESTED, {"a.toml": attested("logs rotated")}, rules=rules) == (
        "logs rotated: logs rotated (a.toml): release-manager may not write it (allowed: somebody)",
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, None),
        ({"decided_at": (NOW - 25 * HOUR).isoformat()}, None),
        ({"decided_at": (NOW - 2 * DAY).isoformat()}, "2.0 days ago, expected within 1.08 days"),
        ({"decision": "stop"}, "n.json: nightly stop"),
        ({"decision": "undecided"}, "n.json: nightly undecided"),
        ({"decision": 1}, "never"),
        ({"target": "another"}, "never"),
        ({"stage": "weekly"}, "never"),
        ({"selection": "part"}, "never"),
        ({"schema": "inmidst.gate/2"}, "never"),
        ({"decided_at": (NOW + DAY).isoformat()}, "never"),
        ({"decided_at": NOW.replace(tzinfo=None).isoformat()}, "never"),
        ({"decided_at": "yesterday"}, "never"),
        ({"decided_at": None}, "never"),
        ({"decided_at": "0001-01-01T00:00:00+14:00"}, "never"),
    ],
)
def test_a_run_of_this_suite_is_done_when_its_gate_said_go(
    tmp_path: Path, changes: dict[str, Any], found: str | None
) -> None:
    """For this environment and stage, as a whole, lately and not in the future."""
    said = overdue(tmp_path, NIGHTLY, verdicts={"n.json": verdict(**changes)})
    assert said == () if found is None else said[0].startswith(f"nightly run: {found}")


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "[" * 100_000, '{"schema": "inmidst.gate/1"}', "\xff"]
)
def test_what_is_no_verdict_is_passed_over(tmp_path: Path, text: str) -> None:
    """It is no verdict, and hinders none beside it."""
    assert read_verdict(text.encode("latin-1"), "x.json", "e") is None
    assert overdue(tmp_path, NIGHTLY, verdicts={"x.json": text, "y.json": verdict()}) == ()


def test_the_newest_go_counts(tmp_path: Path) -> None:
    """Runs before it, and a stop after it, take nothing away."""
    verdicts = {
        "old.json": verdict(decided_at=(NOW - 9 * DAY).isoformat()),
        "go.json": verdict(decided_at=(NOW - 9 * HOUR).isoformat()),
        "stop.json": verdict(decision="stop"),
    }
    assert overdue(tmp_path, NIGHTLY, verdicts=verdicts) == ()


def test_verdicts_lie_in_folders_too(tmp_path: Path) -> None:
    """Of reports that are kept, each with its gate.json; a folder that is not there is said."""
    rules = 'verdicts = ["kept"]\n'
    with pytest.raises(CouldNotLook) as refused:
        overdue(tmp_path, NIGHTLY, rules=rules)
    assert refused.value.why == "there is no folder kept with verdicts"
    report = tmp_path / "kept" / "2026-11-24"
    report.mkdir(parents=True)
    (report / "other.json").write_text(json.dumps(verdict()))
    assert overdue(tmp_path, NIGHTLY, rules=rules) == ("nightly run: never",)
    (report / "gate.json").write_text(json.dumps(verdict()))
    assert overdue(tmp_path, NIGHTLY, rules=rules) == ()


def load_run(age: timedelta, result: str = "passed") -> dict[str, Any]:
    """A load test on record."""
    return {"kind": "load-run", "profile": "baseline", "result": result, "when": NOW - age}


@pytest.mark.parametrize(
    ("records", "verdicts", "found"),
    [
        ([load_run(31 * DAY)], [], None),
        ([load_run(40 * DAY)], [], "40.0 days ago, expected within 32 days"),
        ([load_run(DAY, "failed")], [], "0.toml: it failed"),
        ([load_run(DAY, "failed"), load_run(9 * DAY)], [], None),
        ([load_run(40 * DAY)], [verdict(stage="load")], None),
        ([], [verdict(stage="load")], None),
        ([load_run(timedelta(-1))], [], "0.toml: it lies in the future"),
    ],
)
def test_a_load_test_is_known_by_its_record_or_its_gate(
    tmp_path: Path, records: list[Any], verdicts: list[Any], found: str | None
) -> None:
    """The newest that passed, of either kind."""
    said = overdue(
        tmp_path,
        LOAD,
        {f"{number}.toml": one for number, one in enumerate(records)},
        {f"{number}.json": one for number, one in enumerate(verdicts)},
    )
    assert said == () if found is None else said[0].startswith(f"load tested: {found}")


def test_one_item_names_all_that_is_overdue(tmp_path: Path) -> None:
    """The runbook's tasks, where the environment names no others; an unreadable record is said."""
    said = overdue(tmp_path, "")
    assert [one.partition(":")[0] for one in said] == [task.name for task in RUNBOOK_TASKS]
    (tmp_path / "records" / "broken.toml").write_text("kind = ")
    assert "broken.toml: not valid TOML" in overdue(tmp_path, ATTESTED)[0]
