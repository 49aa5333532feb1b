"""Every fault of the tables turns its checks red, and no other; every check has its sick twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsverify.check import NONE_DECLARED
from reference_platform.faults import FAULTS
from reference_platform.faults.red import Check, collected, expected
from reference_platform.state import Platform
from tests.platform.judging import ROOT, judge

pytestmark = pytest.mark.usefixtures("tasks_can_be_given")

CHEAP = ("health", "configuration", "cache")
"""Of these one that a fault does not touch is judged beside those that it touches."""
AREAS = sorted(folder.name for folder in (ROOT / "checks").iterdir() if folder.is_dir())


@pytest.fixture(scope="module")
def checks(platform: Platform) -> list[Check]:
    """Every check on every subject that this platform has; what it lacks a part for is a gap of it."""
    found = collected(str(platform.environment))
    return [check for check in found if not check["name"].endswith(f"[{NONE_DECLARED}]")]


@pytest.fixture(scope="module")
def all_checks() -> list[Check]:
    """Every check on every subject of a platform with all its parts."""
    return collected()


@pytest.mark.parametrize("key", [key for key, fault in FAULTS.items() if not fault.parts])
def test_a_fault_turns_its_checks_red_and_no_other(platform: Platform, checks: list[Check], key: str) -> None:
    """Asserted both ways: over the areas that it touches and one more, for the first of each area over all.

    After mending all of the areas that it touched is as before.
    """
    fault = FAULTS[key]
    environment = Path(platform.environment)
    names = {check["name"] for check in checks}
    red = {name: outcome for name, outcome in expected(fault, checks).items() if name in names}
    touched = {check["area"] for check in checks if check["name"] in red}
    beside = [area for area in CHEAP if area not in touched][:1]
    judged = AREAS if key in _first_of_each_area(checks) else sorted({*touched, *beside})
    with fault.applied(platform):
        broken = judge(environment, judged)
    assert {name: outcome for name, outcome in broken.items() if outcome != "passed"} == red
    mended = judge(environment, sorted(touched))
    assert mended == {check["name"]: "passed" for check in checks if check["area"] in touched}


def _first_of_each_area(checks: list[Check]) -> set[str]:
    """The first fault of the checks of each area."""
    area_of = {_id(check["name"]): check["area"] for check in checks}
    first: dict[str, str] = {}
    for key, fault in FAULTS.items():
        if fault.check in area_of:
            first.setdefault(area_of[fault.check], key)
    return set(first.values())


def test_every_check_has_a_sick_twin(all_checks: list[Check]) -> None:
    """A check that no fault of its own turns to failed does not exist."""
    ids = {_id(check["name"]) for check in all_checks}
    own = {fault.check for fault in FAULTS.values() if fault.check in {_id(name) for name in fault.failed}}
    assert ids - own == set()
    assert {fault.check for fault in FAULTS.values()} - own == set()


def test_faults_name_checks_that_exist(all_checks: list[Check]) -> None:
    """No table names a check or a subject that is not there."""
    names = {check["name"] for check in all_checks}
    assert {name for fault in FAULTS.values() for name in fault.failed | fault.blind} - names == set()


def _id(name: str) -> str:
    return name.partition("[")[0]
