"""Judge a platform by running its checks in this process: quick enough for a run a fault."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from fixtures.marker import check_of
from opsverify.check import NONE_DECLARED
from opsverify.looking import CouldNotLook

ROOT = Path(__file__).parents[2]


class _Outcomes:
    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self.why: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
        report = yield
        check = check_of(item)
        if (
            check is not None
            and check.subject != NONE_DECLARED
            and (call.when == "call" or not report.passed)
        ):
            self.by_name[check.name] = _outcome(report, call)
            self.why[check.name] = str(call.excinfo.value) if call.excinfo else ""
        return report


def _outcome(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if report.passed:
        return "passed"
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, CouldNotLook):
        return "could_not_look"
    return "failed" if isinstance(error, AssertionError) else f"broken: {error!r}"


def judge(environment: Path, areas: Iterable[str]) -> dict[str, str]:
    """The outcome of every check of these areas, by name, on the platform of this environment file.

    Checks whose noun it does not declare are left out.
    """
    outcomes = _Outcomes()
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    here = [f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}"]
    folders = [str(ROOT / "checks" / area) for area in areas]
    pytest.main([*quiet, *here, f"--env={environment}", *folders], plugins=[outcomes])
    return outcomes.by_name
