"""Records of incidents: what was done in which order, what was learnt, and who is there for the next one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from opsverify.environment import Table
from opsverify.environment.base import Words
from opsverify.records.kinds import Record

IncidentSeverity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]


class Update(Table):
    """A status update to stakeholders."""

    at: AwareDatetime
    text: Words


class Incident(Record):
    """An incident as it was handled. What is not known yet is left out."""

    kind: Literal["incident"] = "incident"
    id: Words
    type: Literal["operational", "security"] = "operational"
    severity: IncidentSeverity | None = None
    impact: str | None = None
    detected: AwareDatetime
    acknowledged: AwareDatetime | None = None
    acknowledged_in: str | None = None
    """The channel."""
    updates: tuple[Update, ...] = ()
    assignee: str | None = None
    mitigated: AwareDatetime | None = None
    mitigation: str | None = None
    closed: AwareDatetime | None = None
    green_run: AwareDatetime | None = None
    """When a run of the suite said go, before it was closed; `green_link` says where."""
    green_link: str | None = None
    review_scheduled: AwareDatetime | None = None
    """When the review takes place."""
    compromised: AwareDatetime | None = None
    """Of a security incident: since when, as far as is known; likewise what follows."""
    contained: AwareDatetime | None = None
    eradicated: AwareDatetime | None = None
    recovered: AwareDatetime | None = None
    backup: AwareDatetime | None = None
    """When the backup was taken that was recovered from."""
    verified: AwareDatetime | None = None
    """When the recovered data were found clean."""
    reviewed: AwareDatetime | None = None

    @property
    def title(self) -> str:
        """Its id."""
        return self.id


class Action(Table):
    """What is to be done after an incident."""

    what: Words
    owner: str | None = None
    due: date | None = None
    done: date | None = None


class PostMortem(Record):
    """The review of an incident, on the runbook's template."""

    kind: Literal["post-mortem"] = "post-mortem"
    incident: Words
    date: date
    duration_minutes: Annotated[float, Field(ge=0)] | None = None
    severity: IncidentSeverity | None = None
    commander: str | None = None
    summary: str | None = None
    cause: str | None = None
    detected: AwareDatetime | None = None
    acknowledged: AwareDatetime | None = None
    cause_found: AwareDatetime | None = None
    mitigated: AwareDatetime | None = None
    restored: AwareDatetime | None = None
    resolved: AwareDatetime | None = None
    users: str | None = None
    revenue: str | None = None
    data_loss: str | None = None
    actions: tuple[Action, ...] = ()
    went_well: str | None = None
    could_improve: str | None = None

    @property
    def title(self) -> str:
        """Its incident."""
        return self.incident


class Contact(Table):
    """Who is called for one kind of trouble."""

    primary: str | None = None
    secondary: str | None = None
    within: str | None = None
    """`15 min`, `immediate`, `24 h`."""


class Shift(Table):
    """Who is on call, and when."""

    who: Words
    role: Words = "on-call engineer"
    starts: AwareDatetime
    ends: AwareDatetime


class Roster(Record):
    """Contacts, channels and shifts."""

    kind: Literal["roster"] = "roster"
    contacts: dict[str, Contact]
    """By kind of trouble: `production outage` …"""
    channels: tuple[Words, ...] = ()
    shifts: tuple[Shift, ...] = ()
