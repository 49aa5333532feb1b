"""Faults that the checks of what runs must see."""

from __future__ import annotations

from reference_platform.faults.model import Fault
from reference_platform.faults.verbs import restart_unexplained, restart_with
from reference_platform.faults.watched import restart_without_overlap
from reference_platform.repository import PREVIOUS

FAULTS = (
    Fault(
        "DEP-10",
        "no overlap",
        restart_without_overlap("orchestrator"),
        # a new deployment, which nobody has reviewed yet
        frozenset({"DEP-10[records]", "DEP-13[records]", "DEP-14[records]"}),
    ),
    Fault("HLT-10", "killed", restart_unexplained("orchestrator"), frozenset({"HLT-10[orchestrator]"})),
    Fault(
        "DEP-09",
        "old tag",
        restart_with("orchestrator", "is of the release before", {"RELEASE": PREVIOUS}),
        frozenset({"DEP-09[orchestrator]"}),
    ),
    Fault(
        "DEP-09",
        "latest",
        restart_with("web", "is of no release in particular", {"RELEASE": "latest"}),
        frozenset({"DEP-09[web]"}),
    ),
    Fault(
        "DEP-09",
        "mixed",
        restart_with("api-2", "is of another release than its replica", {"RELEASE": PREVIOUS}),
        frozenset({"DEP-09[api.1]"}),
    ),
)
