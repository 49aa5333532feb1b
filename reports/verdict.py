"""gate.json: the verdict over one stage of one target, and every check that led to it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from opsverify.check import Severity, Stage, check_name
from reports.run import Excused, Record, RunCost

Decision = Literal["go", "stop", "undecided"]
Outcome = Literal["passed", "failed", "could_not_look", "no_result", "gap", "waived"]
Effect = Literal["stop", "warn", "none"]

EXIT_CODES: dict[Decision, int] = {"go": 0, "stop": 1, "undecided": 3}
INTERRUPTED = 2
USAGE_ERROR = 4


class CheckVerdict(Record):
    """What became of one planned check."""

    id: str
    subject: str | None
    outcome: Outcome
    effect: Effect
    severity: Severity
    title: str
    where: str | None
    seen: str | None
    expected: str | None
    message: str
    remedy: str
    runbook: str
    looks: int
    measures: dict[str, float] = Field(default_factory=dict)
    red_since: AwareDatetime | None = None
    """When an unbroken row of red results of this check began, as far as the history goes."""
    taken_at: datetime | None
    seconds: float
    waiver: Excused | None
    gap: Excused | None
    record: str | None = None

    @property
    def name(self) -> str:
        """`HLT-02[api]`, or `HLT-02` without a subject."""
        return check_name(self.id, self.subject)


class CauseOfMany(Record):
    """One cause and the checks that are red for it."""

    where: str
    why: str
    checks: list[str]


class JudgedRun(Record):
    """A run that the verdict rests on."""

    id: str
    results: str
    started: AwareDatetime
    ended: AwareDatetime | None
    pytest_exit: int | None
    errors: list[str]


class Counts(Record):
    """How many checks ended in each outcome."""

    passed: int = 0
    failed: int = 0
    could_not_look: int = 0
    no_result: int = 0
    gap: int = 0
    waived: int = 0


class AppliedOverride(Record):
    """A break-glass record that turned stop into go."""

    who: str
    why: str
    ticket: str
    until: AwareDatetime | date
    record: str


class Verdict(Record):
    """The whole of gate.json."""

    model_config = ConfigDict(title="gate.json")

    schema_name: Annotated[Literal["inmidst.gate/1"], Field(alias="schema")] = "inmidst.gate/1"
    decision: Decision
    exit: int
    target: str
    protected: bool
    stage: Stage | None
    release: str | None
    commit: str | None
    runbook_url: str | None = None
    """Where the runbook can be read; a check's `runbook` is an anchor in it."""
    decided_at: AwareDatetime
    valid_until: AwareDatetime
    selection: Literal["stage", "part"]
    runs: list[JudgedRun]
    cost: RunCost
    counts: Counts
    reasons: list[str]
    """A sentence each; not empty unless the decision is go."""
    warnings: list[str]
    causes: list[CauseOfMany]
    override: AppliedOverride | None = None
    checks: list[CheckVerdict]

    def line(self, report: str) -> str:
        """The last line on stdout, which pipelines read."""
        return f"GATE {self.decision} target={self.target} stage={self.stage or 'unknown'} report={report}"


def some(names: list[str], at_most: int = 20) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")
