"""What earlier runs said: one file for an environment and stage, a line a run, the newest last.

It lies in the report folder and outlives the runs. It answers since when a red check is red,
and it is what trends are drawn from. A history that cannot be read is begun anew, and said so.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from reports.run import Record, write_atomically
from reports.verdict import Decision, Outcome, Verdict

KEPT_RUNS = 200
RED: tuple[Outcome, ...] = ("failed", "could_not_look", "no_result", "waived")


class KeptRun(Record):
    """What is kept of a run."""

    schema_name: Literal["inmidst.history/1"] = "inmidst.history/1"
    id: str
    decided_at: AwareDatetime
    decision: Decision
    release: str | None
    red: dict[str, Outcome]
    """The checks that were not good, by name."""
    measures: dict[str, dict[str, float]]
    """What was measured, by check and by what it is; the unit is in the name."""


def history_file(report: Path, target: str, stage: str | None) -> Path:
    """Where the history of an environment and stage lies: in the report folder, which others may share."""
    return report / f"history-{target}-{stage}.jsonl"


def read_history(file: Path) -> list[KeptRun]:
    """The kept runs, oldest first; none when there is no file or it cannot be read.

    A line that cannot be read, such as one that a full disk cut off, is left out.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    kept = []
    for line in lines:
        try:
            kept.append(KeptRun.model_validate_json(line))
        except ValidationError:
            continue
    return kept


def red_since(history: list[KeptRun], check: str, now: datetime) -> datetime:
    """Since when a check that is red now has been red without a break."""
    since = now
    for run in reversed(history):
        if check not in run.red:
            break
        since = run.decided_at
    return since


def with_history(verdict: Verdict, history: list[KeptRun]) -> Verdict:
    """The verdict that says of each red check since when it is red."""
    checks = [
        check.model_copy(update={"red_since": red_since(history, check.name, verdict.decided_at)})
        if check.outcome in RED
        else check
        for check in verdict.checks
    ]
    return verdict.model_copy(update={"checks": checks})


def keep(file: Path, history: list[KeptRun], verdict: Verdict) -> None:
    """Add a run to the history, and let go of the oldest.

    Raises:
        OSError: it could not be written; the old one stands.
    """
    run = KeptRun(
        id=",".join(one.id for one in verdict.runs),
        decided_at=verdict.decided_at,
        decision=verdict.decision,
        release=verdict.release,
        red={check.name: check.outcome for check in verdict.checks if check.outcome in RED},
        measures={check.name: check.measures for check in verdict.checks if check.measures},
    )
    lines = [one.model_dump_json() for one in [*history, run][-KEPT_RUNS:]]
    write_atomically(file, "\n".join(lines) + "\n")
