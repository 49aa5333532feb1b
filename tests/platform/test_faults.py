"""Every fault of the tables turns its checks red, and no other; every check has its sick twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_platform.faults import FAULTS
from reference_platform.faults.red import Check, collected, expected
from reference_platform.state import Platform
from tests.platform.judging import ROOT, judge

AREAS = sorted(folder.name for folder in (ROOT / "checks").iterdir() if folder.is_dir())


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    """Every check on every subject of the local platform."""
    return collected()


@pytest.mark.parametrize("key", FAULTS)
def test_a_fault_turns_its_checks_red_and_no_other(platform: Platform, checks: list[Check], key: str) -> None:
    """Asserted both ways, with the outcome of each; after mending all is as before."""
    fault = FAULTS[key]
    environment = Path(platform.environment)
    with fault.applied(platform):
        broken = judge(environment, AREAS)
    assert {name: outcome for name, outcome in broken.items() if outcome != "passed"} == expected(
        fault, checks
    )
    mended = judge(environment, AREAS)
    assert mended == dict.fromkeys((check["name"] for check in checks), "passed")


def test_every_check_has_a_sick_twin(checks: list[Check]) -> None:
    """A check that no fault of its own turns to failed does not exist."""
    ids = {_id(check["name"]) for check in checks}
    own = {fault.check for fault in FAULTS.values() if fault.check in {_id(name) for name in fault.failed}}
    assert ids - own == set()
    assert {fault.check for fault in FAULTS.values()} - own == set()


def test_faults_name_checks_that_exist(checks: list[Check]) -> None:
    """No table names a check or a subject that is not there."""
    names = {check["name"] for check in checks}
    assert {name for fault in FAULTS.values() for name in fault.failed} - names == set()


def _id(name: str) -> str:
    return name.partition("[")[0]
