"""The kinds of records: what only people, or earlier runs, know. One TOML file holds one record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from opsverify.check import Stage
from opsverify.environment import Table, end_of
from opsverify.environment.base import Words

Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]
EVERY_AT_MOST_SECONDS = 5
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Record(Table):
    """What every record says."""

    kind: str
    who: Words
    """Who answers for it. Where policy asks for a signature, the principal that signed its commit."""
    when: AwareDatetime
    """When it was so, with its zone."""
    link: str | None = None
    """Where the evidence is."""
    note: str | None = None
    target: str | None = None
    """Only for the environment of this name, where given."""

    @field_validator("*", mode="before")
    @classmethod
    def _times_have_a_zone(cls, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError("expected a time with its zone (2027-03-31T06:00:00Z)")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _times_can_be_reckoned_with(cls, value: Any) -> Any:
        # further out, adding an hour or showing it in another zone can leave the calendar
        if isinstance(value, datetime) and not 1970 <= value.year < 3000:
            raise ValueError("expected a time from 1970 to 2999")
        return value

    @property
    def title(self) -> str:
        """What it is about, for messages and for the name of its file."""
        return self.kind


class ReleaseRecord(Record):
    """A release: its commit, the one before it, and its feature flags."""

    kind: Literal["release"] = "release"
    release: Words
    commit: Commit
    previous: str | None = None
    """The release to go back to."""
    flags: tuple[Words, ...] = ()
    """Its feature flags."""

    @property
    def title(self) -> str:
        """The release."""
        return self.release


class Deployment(Record):
    """A deployment: planned, carried out, failed, or rolled back."""

    kind: Literal["deployment"] = "deployment"
    release: Words
    commit: Commit | None = None
    state: Literal["planned", "deployed", "failed", "rolled-back"]
    """`rolled-back`: the release was taken back to `previous`."""
    previous: str | None = None
    """What ran before it."""
    window: str | None = None
    """Id of its window's record."""
    planned_for: AwareDatetime | None = None
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None

    @model_validator(mode="after")
    def _has_its_times(self) -> Deployment:
        if self.state != "planned" and (self.started is None or self.ended is None):
            raise ValueError(f"expected started and ended: its state is {self.state!r}")
        if self.started is not None and self.ended is not None and self.ended < self.started:
            raise ValueError("expected an end that is not before its start")
        if self.state == "rolled-back" and self.previous is None:
            raise ValueError("expected previous: what was gone back to")
        return self

    @property
    def running(self) -> str:
        """The release that runs after it."""
        return self.previous if self.state == "rolled-back" and self.previous else self.release

    @property
    def title(self) -> str:
        """The release, and what became of it."""
        return f"{self.release} {self.state}"


class Window(Record):
    """A maintenance window."""

    kind: Literal["window"] = "window"
    id: Words
    type: Words
    """`minor`, `major`, `emergency`, or another that the environment defines."""
    starts: AwareDatetime
    ends: AwareDatetime
    announced: AwareDatetime | None = None
    """When those concerned were told."""
    reason: str | None = None
    """Why it cannot wait; an emergency has one."""
    ticket: str | None = None

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Window:
        if self.ends <= self.starts:
            raise ValueError("expected an end after its start")
        return self

    @property
    def title(self) -> str:
        """Its id."""
        return self.id


class Attestation(Record):
    """Somebody says that something was done or is so."""

    kind: Literal["attestation"] = "attestation"
    what: Words
    """`rollback plan`, `on-call notified`, `dashboards reviewed` …"""
    release: str | None = None
    window: str | None = None
    incident: str | None = None
    engineer: str | None = None
    service: str | None = None
    """For what it holds, where it does not hold for everything."""

    @property
    def title(self) -> str:
        """What is attested."""
        return self.what


class Review(Record):
    """Files were read and found good, as they stood then."""

    kind: Literal["review"] = "review"
    what: Words = "migrations"
    release: str | None = None
    files: dict[str, Digest]
    """Digest of each file's text, by its path in the repository."""

    @property
    def title(self) -> str:
        """What was reviewed."""
        return f"{self.what} {self.release or ''}".strip()


class Failure(Table):
    """Failed requests of one sort."""

    url: str
    why: str
    times: Annotated[int, Field(ge=1)]
    first: AwareDatetime
    last: AwareDatetime


class Availability(Record):
    """What the availability recorder saw from its start to its end."""

    kind: Literal["availability"] = "availability"
    release: str | None = None
    started: AwareDatetime
    ended: AwareDatetime
    every_seconds: Annotated[float, Field(gt=0, le=EVERY_AT_MOST_SECONDS)]
    """Seconds from one request to the next of an address; what asks less often overlooks a pause."""
    asked: Annotated[int, Field(ge=0)]
    """Requests, of all addresses together."""
    failed: Annotated[int, Field(ge=0)]
    late: Annotated[int, Field(ge=0)] = 0
    """Requests that could not be sent when they were due: they were sent later, and counted."""
    urls: tuple[str, ...]
    failures: tuple[Failure, ...] = ()


class Drill(Record):
    """A restore drill and what it measured."""

    kind: Literal["drill"] = "drill"
    what: Words = "restore"
    result: Literal["passed", "failed"]
    rto_seconds: float | None = None
    rpo_seconds: float | None = None

    @property
    def title(self) -> str:
        """What was drilled."""
        return self.what


class LoadRun(Record):
    """A load test and its verdict."""

    kind: Literal["load-run"] = "load-run"
    profile: Words
    result: Literal["passed", "failed"]

    @property
    def title(self) -> str:
        """Its profile."""
        return self.profile


class Override(Table):
    """A break-glass record: someone lets a deployment through against the gate, and answers for it."""

    kind: Literal["override"] = "override"
    who: Words
    why: Words
    ticket: Words
    until: AwareDatetime | date
    """In force to the end of that day UTC, or to that time."""
    target: str | None = None
    """Only for this environment, where given; likewise the next two."""
    stage: Stage | None = None
    release: str | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it still holds at that moment."""
        return now < end_of(self.until)

    @property
    def title(self) -> str:
        """Its ticket."""
        return self.ticket
