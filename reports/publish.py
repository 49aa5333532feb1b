"""Writing a report: summary, metrics, what Allure shows beside the results, and the verdict last.

The verdict comes last, so that a report that could not be written whole is no *go*.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from reports.folder import ReportFolder
from reports.history import history_file, keep, read_history, with_history
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
    file = history_file(folder.path, verdict.target, verdict.stage)
    history = read_history(file)
    verdict = with_history(verdict, history)
    _for_allure(folder.results, verdict)
    text = summary(verdict)
    write_atomically(folder.path / "summary.md", text)
    write_atomically(folder.path / "metrics.prom", metrics(verdict))
    step_summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if step_summary:
        with Path(step_summary).open("a", encoding="utf-8") as out:
            out.write(text)
    if not any(run.pytest_exit is None for run in verdict.runs):
        keep(file, history, verdict)
    folder.write_verdict(verdict)
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
