"""What an environment declares of its records: where they are, and who may attest what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from opsverify.check import Stage, did_you_mean
from opsverify.environment.base import Positive, Table, Words
from opsverify.environment.incidents import EscalationRules, IncidentRules, OnboardingRules
from opsverify.environment.policy import VALID_FOR_MINUTES

RecordKind = Literal[
    "attestation",
    "availability",
    "deployment",
    "drill",
    "incident",
    "load-run",
    "post-mortem",
    "release",
    "review",
    "roster",
    "window",
]
"""Kinds of records that a rule can be about: all but the override, whose policy is that of its stage."""


class RecordRule(Table):
    """What makes a record of one kind count. All rules that fit a record hold."""

    kind: RecordKind
    what: str | None = None
    """Of attestations: only those of this item."""
    by: tuple[Words, ...] = ()
    """Who may write it; none named: anybody."""
    holds_for_hours: Positive | None = None
    """How long it counts, from its own time on; None: as long as what it is for."""
    signed: bool = False
    """The git commit that holds it is signed with an SSH key of `allowed_signers`, by whom it names."""

    @field_validator("kind", mode="before")
    @classmethod
    def _is_known(cls, kind: Any) -> Any:
        known = get_args(RecordKind)
        if isinstance(kind, str) and kind not in known:
            raise ValueError(f"unknown {kind!r}, expected the kind of a record ({did_you_mean(kind, known)})")
        return kind

    @model_validator(mode="after")
    def _says_what_of_attestations(self) -> RecordRule:
        if self.what is not None and self.kind != "attestation":
            raise ValueError(f"what: only attestations have an item, and the rule is about {self.kind!r}")
        return self


class RoutineTask(Table):
    """Something that is done again and again. Without `stage` and `record` people attest it by its name."""

    name: Words
    every: Literal["day", "week", "month"]
    stage: Stage | None = None
    """Done when a gate of this stage said go."""
    record: Literal["load-run", "drill"] | None = None
    """Done when such a record says `passed`. With `stage` beside it, either will do."""

    @property
    def due_after(self) -> timedelta:
        """How old the last time may be: as old as a verdict of that rhythm may be, slack included."""
        stage: dict[str, Stage] = {"day": "nightly", "week": "weekly", "month": "monthly"}
        return timedelta(minutes=VALID_FOR_MINUTES[stage[self.every]])


RUNBOOK_TASKS: tuple[RoutineTask, ...] = (
    RoutineTask(name="error rate checked", every="day"),
    RoutineTask(name="failed jobs reviewed", every="day"),
    RoutineTask(name="backup verified", every="day"),
    RoutineTask(name="nightly run", every="day", stage="nightly"),
    RoutineTask(name="slow queries reviewed", every="week"),
    RoutineTask(name="disk space reviewed", every="week"),
    RoutineTask(name="dependencies updated", every="week"),
    RoutineTask(name="logs rotated", every="week"),
    RoutineTask(name="weekly run", every="week", stage="weekly"),
    RoutineTask(name="security scanned", every="month"),
    RoutineTask(name="load tested", every="month", stage="load", record="load-run"),
    RoutineTask(name="resources pruned", every="month"),
    RoutineTask(name="runbooks updated", every="month"),
    RoutineTask(name="monthly run", every="month", stage="monthly"),
)
"""Runbook: routine-tasks, and this suite's own audits beside them."""


class RecordsTable(Table):
    """Where the records are, and what makes one count."""

    folder: Path | None = None
    """A folder of TOML files. Where a rule asks for signatures it lies in a git repository."""
    git: str | None = None
    """Instead: a repository that git can clone, bare or not."""
    branch: str | None = None
    """Of that repository; None: its default branch."""
    under: str = ""
    """Folder of the records inside the repository."""
    allowed_signers: Path | None = None
    """OpenSSH file of principals and their public keys, beside the environment file: never out of the
    repository that it judges."""
    rules: tuple[RecordRule, ...] = Field(default=())
    reviews_follow_within_hours: Annotated[float, Field(ge=0)] | None = None
    """How long after a deployment dashboards and key flows are reviewed at the latest; None: no such limit,
    and no time in which it may be missing."""
    tasks: tuple[RoutineTask, ...] = RUNBOOK_TASKS
    """What is done day by day, week by week, month by month. A list here replaces the runbook's."""
    verdicts: tuple[Path, ...] = ()
    """Folders with `gate.json` files of earlier runs, kept where no later run overwrites them; a folder or
    repository of records may hold such files too, named anything that ends in `.json`."""
    incidents: IncidentRules = IncidentRules()
    escalation: EscalationRules = EscalationRules()
    onboarding: OnboardingRules = OnboardingRules()

    @model_validator(mode="after")
    def _names_one_place(self) -> RecordsTable:
        if (self.folder is None) == (self.git is None):
            raise ValueError("expected exactly one of folder, git")
        if any(rule.signed for rule in self.rules) and self.allowed_signers is None:
            raise ValueError("allowed_signers: missing, expected a file: a rule asks for signatures")
        return self

    @property
    def name(self) -> str:
        """The subject's name."""
        return "records"
