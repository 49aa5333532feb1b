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

ALWAYS = "health"
"""Is judged after every mending, whatever the fault touched."""
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
    """Asserted both ways over all areas; after mending, those it touched and one more are as before."""
    fault = FAULTS[key]
    environment = Path(platform.environment)
    with fault.applied(platform):
        broken = judge(environment, AREAS)
    names = {check["name"] for check in checks}
    assert {name: outcome for name, outcome in broken.items() if outcome != "passed"} == {
        name: outcome for name, outcome in expected(fault, checks).items() if name in names
    }
    touched = {check["area"] for check in checks if check["name"] in expected(fault, checks)}
    mended = judge(environment, sorted(touched | {ALWAYS}))
    of_these = {check["name"] for check in checks if check["area"] in touched | {ALWAYS}}
    assert mended == dict.fromkeys(of_these, "passed")


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
