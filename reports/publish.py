"""Writing a report: summary, metrics, what Allure shows beside the results, and the verdict last.

The verdict comes last, so that a report that could not be written whole is no *go*.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from reports import history
from reports.folder import ReportFolder
from reports.metrics import metrics
from reports.run import write_atomically
from reports.summary import summary
from reports.verdict import Verdict


def publish(folder: ReportFolder, verdict: Verdict) -> Verdict:
    """Write everything that a report folder holds beside the results and JUnit, and keep the history.

    Returns:
        The verdict as it was written, which says of red checks since when they are red.

    Raises:
        OSError: something could not be written; gate.json then still says undecided.
    """
    file = history.history_file(folder.path, verdict.target, verdict.stage)
    kept = history.read_history(file)
    verdict = history.with_history(verdict, kept)
    verdict = _keep(file, kept, verdict)
    _for_allure(folder.results, verdict)
    write_atomically(folder.path / "summary.md", summary(verdict))
    write_atomically(folder.path / "metrics.prom", metrics(verdict))
    folder.write_verdict(verdict)
    return verdict


def append_step_summary(verdict: Verdict) -> list[str]:
    """Append the summary to the file that GitHub Actions names; a sentence when that did not work."""
    step_summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not step_summary:
        return []
    try:
        with Path(step_summary).open("a", encoding="utf-8") as out:
            out.write(summary(verdict))
    except OSError as error:
        return [f"the step summary was not written: {error.strerror}"]
    return []


def _keep(file: Path, kept: list[history.KeptRun], verdict: Verdict) -> Verdict:
    """Keep the run in the history. One that cannot be kept is a warning: the verdict holds without it."""
    if any(run.pytest_exit is None for run in verdict.runs):
        return verdict
    try:
        history.keep(file, kept, verdict)
    except OSError as error:
        warning = f"the history was not kept: {error.strerror}"
        return verdict.model_copy(update={"warnings": [*verdict.warnings, warning]})
    return verdict


def _for_allure(results: Path, verdict: Verdict) -> None:
    """What Allure shows of the run as a whole."""
    facts = {
        "target": verdict.target,
        "stage": verdict.stage or "unknown",
        "release": verdict.release or "not named",
        "protected": "yes" if verdict.protected else "no",
        "decision": verdict.decision,
        "valid_until": verdict.valid_until.isoformat(),
    }
    lines = (f"{key}={value}\n" for key, value in facts.items())
    write_atomically(results / "environment.properties", "".join(lines))
    executor = {"name": "opsverify", "type": "opsverify", "buildName": f"{verdict.target} {verdict.stage}"}
    if os.environ.get("GITHUB_ACTIONS") == "true":
        server, repository, run = (
            os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        )
        executor |= {
            "name": "GitHub Actions",
            "type": "github",
            "buildUrl": f"{server}/{repository}/actions/runs/{run}",
        }
    write_atomically(results / "executor.json", json.dumps(executor))
