"""The verdicts of the suite's own runs before this moment, as they would have been kept among the records."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from reference_platform.records import keeping
from reference_platform.records.attested import ON_CALL
from reference_platform.state import Platform

STAGES = ("nightly", "weekly", "monthly")
TARGET = "local"
"""The name that the platform's environment has."""


def file_of(stage: str) -> str:
    """Where the last verdict of a stage lies among the records."""
    return f"verdicts/{stage}.json"


def text(stage: str, decided_at: datetime, decision: str = "go") -> str:
    """A verdict, as far as a later run reads it."""
    found = {
        "schema": "inmidst.gate/1",
        "decision": decision,
        "target": TARGET,
        "stage": stage,
        "selection": "stage",
        "decided_at": decided_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(found, indent=1) + "\n"


def write_down(platform: Platform, started: datetime) -> None:
    """Keep a verdict of each stage that runs by the clock.

    Args:
        platform: among whose records they are kept.
        started: when the runs ended.
    """
    for stage in STAGES:
        keeping.write(platform, file_of(stage), text(stage, started))
    keeping.commit(platform, [file_of(stage) for stage in STAGES], by=ON_CALL)
