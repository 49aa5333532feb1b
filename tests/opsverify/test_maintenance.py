"""MNT-01, MNT-03: which window is concerned, whether a deployment falls into it, what is on record for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, RecordsTable
from opsverify.looking import CouldNotLook
from opsverify.probes import maintenance as probes
from tests.opsverify.recording import NOW, attested, planned, recorded, window

HOUR = timedelta(hours=1)
NEXT = {"next.toml": window("W-2", NOW + 5 * HOUR, NOW + 6 * HOUR)}
PAST = {"past.toml": window("W-1", NOW - 2 * HOUR, NOW - HOUR)}


def findings(folder: Path, records: dict[str, Any], stage: Any, rules: str = "") -> list[str]:
    """What MNT-01 finds, each up to the first bracket."""
    environment = recorded(folder, records, "[maintenance]\n", rules=rules, asked=Asked(stage=stage))
    assert environment.maintenance is not None
    found = probes.maintenance_windows(environment, environment.maintenance).findings
    return [one.partition(" (")[0] for one in found]


def test_before_maintenance_the_next_window_counts(tmp_path: Path) -> None:
    """A window that is over is not looked at, and no deployment is needed."""
    assert findings(tmp_path, NEXT | PAST, "pre_maintenance") == []


@pytest.mark.parametrize("records", [{}, PAST])
def test_before_maintenance_there_is_a_window(tmp_path: Path, records: dict[str, Any]) -> None:
    """None on record, or none but past ones: nothing was scheduled."""
    assert findings(tmp_path, records, "pre_maintenance") == [probes.NONE_AHEAD]


def test_a_window_that_does_not_count_is_named(tmp_path: Path) -> None:
    """Whoever wonders why there is none sees which one is disregarded, and why."""
    rules = '[[records.rules]]\nkind = "window"\nby = ["somebody"]\n'
    environment = recorded(
        tmp_path, NEXT, "[maintenance]\n", rules=rules, asked=Asked(stage="pre_maintenance")
    )
    assert environment.maintenance is not None
    found = probes.maintenance_windows(environment, environment.maintenance).findings
    why = "next.toml: release-manager may not write it (allowed: somebody)"
    assert found == (f"{probes.NONE_AHEAD} ({why})",)


def test_what_is_wrong_with_the_window_is_found(tmp_path: Path) -> None:
    """The rules of its type apply, as the environment has them."""
    late = {"next.toml": window("W-2", NOW + 5 * HOUR, NOW + 6 * HOUR, reason=None)}
    assert findings(tmp_path, late, "pre_maintenance") == ["window W-2"]


@pytest.mark.parametrize(
    ("deployment", "found"),
    [
        (planned("v2", window="W-2", planned_for=NOW + 5 * HOUR), []),
        (planned("v2", window="W-2", planned_for=NOW + 5.9 * HOUR), []),
        (planned("v2", window="W-2", planned_for=NOW + 4 * HOUR), ["outside"]),
        (planned("v2", window="W-2", planned_for=NOW + 6 * HOUR), ["outside"]),
        (planned("v2", window="W-2"), ["outside"]),
        (planned("v2", window="W-1", planned_for=NOW - 1.5 * HOUR), ["over"]),
        (planned("v2", window="W-9"), ["not on record"]),
        (planned("v2"), ["names no window"]),
    ],
)
def test_a_deployment_falls_into_its_window(
    tmp_path: Path, deployment: dict[str, Any], found: list[str]
) -> None:
    """At the time that it is planned for, or now where it is planned for none."""
    said = findings(tmp_path, NEXT | PAST | {"planned.toml": deployment}, "pre_deploy")
    assert len(said) == len(found)
    assert all(word in one for word, one in zip(found, said, strict=True))


def test_a_deployment_now_falls_into_the_window_that_is_open(tmp_path: Path) -> None:
    """Planned for no time, it is carried out while the window is open."""
    records = {
        "now.toml": window("W-2", NOW - HOUR, NOW + HOUR),
        "planned.toml": planned("v2", window="W-2"),
    }
    assert findings(tmp_path, records, "pre_deploy") == []


def test_a_release_that_is_not_planned_falls_into_no_window(tmp_path: Path) -> None:
    """Also when the run names it."""
    environment = recorded(tmp_path, NEXT, "[maintenance]\n", asked=Asked(stage="pre_deploy", release="v2"))
    assert environment.maintenance is not None
    found = probes.maintenance_windows(environment, environment.maintenance).findings
    assert found == ("deployment of v2: it is not planned on record, so it falls into no window",)


def test_without_a_stage_both_are_looked_at(tmp_path: Path) -> None:
    """The next window, and the deployment's."""
    bad = {
        "next.toml": window("W-2", NOW + HOUR, NOW + 2 * HOUR, reason=None),
        "later.toml": window("W-3", NOW + 5 * HOUR, NOW + 6 * HOUR, reason=None),
        "planned.toml": planned("v2", window="W-3", planned_for=NOW + 5 * HOUR),
    }
    assert findings(tmp_path, bad, None) == ["window W-2", "window W-3"]


def test_without_records_nothing_is_known(tmp_path: Path) -> None:
    """An environment that declares maintenance and no records could not be looked at."""
    environment = recorded(tmp_path, {}, "[maintenance]\n")
    assert environment.maintenance is not None
    without = environment.model_copy(update={"records": None})
    with pytest.raises(CouldNotLook):
        probes.maintenance_windows(without, environment.maintenance)


@pytest.mark.parametrize(
    ("records", "missing"),
    [
        (
            NEXT
            | {
                "way-back.toml": attested("rollback procedure", window="W-2"),
                "engineer.toml": attested("on-call engineer confirmed", window="W-2"),
            },
            (),
        ),
        (
            NEXT
            | {
                "way-back.toml": attested("rollback procedure", window="W-1"),
                "engineer.toml": attested("on-call engineer confirmed", window="W-2"),
            },
            ("rollback procedure: not on record for window W-2 (only for window W-1)",),
        ),
        (
            NEXT,
            (
                "rollback procedure: not on record for window W-2",
                "on-call engineer confirmed: not on record for window W-2",
            ),
        ),
        (PAST, (probes.NONE_AHEAD,)),
    ],
)
def test_a_window_is_prepared(tmp_path: Path, records: dict[str, Any], missing: tuple[str, ...]) -> None:
    """Both stand on record for the next window, and for no other."""
    found = probes.readied(recorded(tmp_path, records), RecordsTable(folder=Path("records")))
    assert found.missing == missing
