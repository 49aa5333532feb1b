"""The page of a whole platform in a real browser, and the faults that only a browser sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_platform.faults import FAULTS
from reference_platform.faults.red import Check, collected, expected
from reference_platform.lifecycle import on_demand
from reference_platform.parts import PARTS
from reference_platform.state import Platform
from tests.platform.judging import judge

PART = "browser"
AREAS = ("smoke",)


@pytest.fixture(scope="module")
def with_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, whose environment declares the browser."""
    lacking = PARTS[PART].lacking()
    if lacking is not None:
        assert "CI" not in os.environ, lacking
        pytest.skip(lacking)
    with on_demand(tmp_path_factory.mktemp("state") / "none", parts=[PART]) as platform:
        yield platform


@pytest.fixture(scope="module")
def checks(with_browser: Platform) -> list[Check]:
    """The checks judged here."""
    found = collected(str(with_browser.environment))
    return [check for check in found if check["name"].startswith("SMK-")]


@pytest.mark.parametrize("key", [key for key, fault in FAULTS.items() if PART in fault.parts])
def test_a_fault_of_the_page_is_seen_by_the_browser_alone(
    with_browser: Platform, checks: list[Check], key: str
) -> None:
    """Both ways; after mending all is as before."""
    environment = Path(with_browser.environment)
    with FAULTS[key].applied(with_browser):
        broken = judge(environment, AREAS)
    assert {name: outcome for name, outcome in broken.items() if outcome != "passed"} == expected(
        FAULTS[key], checks
    )
    assert judge(environment, AREAS) == dict.fromkeys((check["name"] for check in checks), "passed")
