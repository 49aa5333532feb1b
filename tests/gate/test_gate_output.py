"""What becomes of standard output, and of what is written beside the verdict, does not change the verdict."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.gates import FAR, NOT_READY, Platform, Target, clean_environment, excuse


def through_a_shell(target: Target, redirection: str, **variables: str) -> tuple[int, str]:
    """Run a gate with its standard output redirected; its exit code, and what it said on standard error."""
    words = [sys.executable, "-m", "pytest", "--stage=post_deploy", f"--env={target.file}", "--settle=0"]
    command = f"set -o pipefail; {shlex.join([*words, f'--report={target.report}'])} {redirection}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=target.suite,
        env=clean_environment(target.suite, variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("redirection", ["| head -1", "> /dev/full"], ids=["reader gone", "disk full"])
@pytest.mark.parametrize("red", [False, True], ids=["go", "stop"])
def test_an_output_that_cannot_be_written_changes_no_verdict(
    target: Target, platform: Platform, redirection: str, red: bool
) -> None:
    """Exit code and gate.json agree, whoever reads."""
    if red:
        platform.says("/ready", NOT_READY)
    exit_code, error = through_a_shell(target, redirection)
    verdict = json.loads((target.report / "gate.json").read_bytes())
    assert (exit_code, verdict["exit"]) == (int(red), int(red))
    assert "Traceback" not in error


def test_an_encoding_without_ticks_is_no_trouble(target: Target) -> None:
    """Lines stay lines; what the encoding has not is replaced."""
    run = target.gate(variables={"PYTHONIOENCODING": "ascii"})
    assert run.exit == 0
    assert [line for line in run.out if "HLT-01[api]" in line and "passed" in line] != []


def test_a_step_summary_that_cannot_be_written_is_a_warning(target: Target, platform: Platform) -> None:
    """The verdict stands, with all its checks."""
    platform.says("/ready", NOT_READY)
    run = target.gate(variables={"GITHUB_STEP_SUMMARY": "/nowhere/summary.md"})
    assert run.exit == 1
    assert run.outcomes["HLT-02[api]"] == "failed"
    assert any("the step summary was not written" in line for line in run.out)


def test_nothing_is_written_beside_the_report(target: Target) -> None:
    """A run writes its report folder, and nothing around it."""
    above = target.folder / "above"
    assert target.gate(report=above / "report").exit == 0
    assert [entry.name for entry in above.iterdir()] == ["report"]


def test_load_is_refused_on_a_protected_environment(target: Target) -> None:
    """As a usage error, before a report folder is touched."""
    target.declare(protected=True)
    run = target.gate(stage="load")
    run.must_have_refused("is protected: no load is put on it")
    assert not target.report.exists()


def test_last_failed_with_a_gap_in_another_file_is_a_part(target: Target, platform: Platform) -> None:
    """A gap that names a check of a file that --lf would not collect is no unknown check."""
    platform.says("/ready", NOT_READY)
    target.declare(excuse("waivers", check="HLT-05", until=FAR))
    assert target.gate().exit == 1
    run = target.gate("--lf")
    assert run.verdict["selection"] == "part"
    assert Path(run.report / "gate.json").exists()
