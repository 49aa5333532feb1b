"""run.json: what a run planned, and how it ended. The gate reads it beside the Allure results."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from opsverify.check import Severity, Stage, check_name
from opsverify.environment import end_of

RUN_FILE = "run.json"


class Record(BaseModel):
    """A part of a file that the suite writes and reads again."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)


class Excused(Record):
    """A gap or a waiver as it stood in the environment file; one by protection has no owner and no end."""

    reason: str
    owner: str | None
    until: AwareDatetime | date | None

    def in_force(self, now: datetime) -> bool:
        """Whether it still holds at that moment."""
        return self.until is None or now < end_of(self.until)


class Excepted(Excused):
    """A waiver of one offender inside a check."""

    object: str
    """The offender's name."""


class PlannedCheck(Record):
    """One check on one subject, as the stage planned it."""

    id: str
    subject: str | None
    title: str
    severity: Severity
    runbook: str
    remedy: str
    mutates: bool
    nouns: list[str]
    """What it looks at."""
    asks: list[str]
    """The looks it needs."""
    needs: list[str]
    """The variables it needs."""
    selected: bool = True
    """False: taken away by -k, a path and the like."""
    gap: Excused | None = None
    waiver: Excused | None = None

    @property
    def name(self) -> str:
        """`HLT-02[api]`, or `HLT-02` without a subject."""
        return check_name(self.id, self.subject)


class RunCost(Record):
    """What the run cost its target."""

    looks: int = 0
    requests: int = 0
    statements: int = 0
    seconds: float = 0.0

    def plus(self, other: RunCost) -> RunCost:
        """The cost of both."""
        return RunCost(
            looks=self.looks + other.looks,
            requests=self.requests + other.requests,
            statements=self.statements + other.statements,
            seconds=round(self.seconds + other.seconds, 3),
        )


class Run(Record):
    """One run of a stage against one target."""

    model_config = ConfigDict(title="run.json")

    schema_name: Annotated[Literal["inmidst.run/1"], Field(alias="schema")] = "inmidst.run/1"
    id: str
    target: str
    protected: bool
    stage: Stage
    release: str | None = None
    commit: str | None = None
    started: AwareDatetime
    ended: AwareDatetime | None = None
    """None: the run was cut off before it could say so."""
    pytest_exit: int | None = None
    interrupted: bool = False
    """By SIGINT or SIGTERM."""
    errors: list[str] = []
    """What went wrong beside the checks: a file that could not be collected, a worker that died."""
    cost: RunCost = RunCost()
    valid_for_minutes: float
    break_glass: bool = False
    """Whether the environment's policy lets a break-glass record turn stop into go."""
    runbook_url: str | None = None
    checks: list[PlannedCheck] = []


def write_atomically(path: Path, text: str, *, durably: bool = False) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never a part.

    Args:
        path: the file.
        text: its new content.
        durably: wait until the disk has it, so that it outlives a crash of the machine.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(text)
            if durably:
                new.flush()
                os.fsync(new.fileno())
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp made it 0600, whatever the user wants
        os.replace(name, path)  # noqa: PTH105 - the atomic step itself
    except BaseException:
        os.unlink(name)  # noqa: PTH108 - as above
        raise


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def utc_now() -> datetime:
    """The present moment, UTC, to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
