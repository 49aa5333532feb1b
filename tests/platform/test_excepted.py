"""A waiver with an object excepts one offender, and none beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reference_platform.faults import fault
from reference_platform.state import Platform
from tests.platform.judging import ROOT

WAIVER = """
[[waivers]]
check = "DB-06"
object = "{object}"
reason = "OPS-7: goes with the next release"
owner = "service-owner"
until = {until}
"""
DUPLICATE = "public.profiles_identity_again"


def judged(platform: Platform, folder: Path, waivers: str) -> dict[str, Any]:
    """DB-06 in the verdict of a weekly run with these waivers."""
    environment = platform.state / "excepted.toml"
    report = folder / "report"
    try:
        environment.write_text(platform.environment.read_text(encoding="utf-8") + waivers, encoding="utf-8")
        subprocess.run(
            [sys.executable, "-m", "pytest", "--stage=weekly", f"--env={environment}", f"--report={report}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            capture_output=True,
            check=False,
        )
    finally:
        environment.unlink()
    verdict = json.loads((report / "gate.json").read_bytes())
    found: dict[str, Any] = next(check for check in verdict["checks"] if check["id"] == "DB-06")
    return found


@pytest.mark.parametrize(
    ("objects", "until", "outcome"),
    [
        ([DUPLICATE], "2099-12-31", "waived"),
        ([DUPLICATE], "2020-12-31", "failed"),
        (["public.another"], "2099-12-31", "failed"),
        ([], "", "failed"),
    ],
)
def test_one_offender_is_excepted(
    platform: Platform, tmp_path: Path, objects: list[str], until: str, outcome: str
) -> None:
    """All offenders waived: the check is waived, with reason and owner; one that is not waived fails it."""
    with fault("DB-06:duplicate").applied(platform):
        waivers = "".join(WAIVER.format(object=one, until=until) for one in objects)
        found = judged(platform, tmp_path, waivers)
    assert found["outcome"] == outcome
    if outcome == "waived":
        assert (found["effect"], found["waiver"]["owner"]) == ("warn", "service-owner")
        assert DUPLICATE in found["message"]


def test_another_offender_still_fails(platform: Platform, tmp_path: Path) -> None:
    """Of two, one is waived: the other is what the check has seen."""
    with fault("DB-06:duplicate").applied(platform), fault("DB-06:invalid").applied(platform):
        found = judged(platform, tmp_path, WAIVER.format(object=DUPLICATE, until="2099-12-31"))
    assert found["outcome"] == "failed"
    assert "search_log_id" in found["seen"]
    assert DUPLICATE not in found["seen"]
