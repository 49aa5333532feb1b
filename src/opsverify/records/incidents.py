"""Records of incidents: what was done in which order, what was learnt, and who is there for the next one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from opsverify.environment import IncidentSeverity, Table
from opsverify.environment.base import Words
from opsverify.records.kinds import Record

Day = date
"""A date, where a field has that name."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _is_of_our_time(moment: datetime) -> datetime:
    if not EARLIEST < moment < LATEST:
        raise ValueError("expected a time between the years 1970 and 2200")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_is_of_our_time)]
"""A time with its zone, near enough to the present to be reckoned with."""


class Update(Table):
    """A status update to stakeholders."""

    at: Moment
    text: Words


class Incident(Record):
    """An incident as it was handled. What is not known yet is left out."""

    kind: Literal["incident"] = "incident"
    id: Words
    type: Literal["operational", "security"] = "operational"
    severity: IncidentSeverity | None = None
    impact: str | None = None
    detected: Moment
    acknowledged: Moment | None = None
    acknowledged_in: str | None = None
    """The channel."""
    updates: tuple[Update, ...] = ()
    assignee: str | None = None
    mitigated: Moment | None = None
    mitigation: str | None = None
    closed: Moment | None = None
    green_run: Moment | None = None
    """When a run of the suite said go, before it was closed; `green_link` says where."""
    green_link: str | None = None
    review_scheduled: Moment | None = None
    """When the review takes place."""
    compromised: Moment | None = None
    """Of a security incident: since when, as far as is known; likewise what follows."""
    contained: Moment | None = None
    eradicated: Moment | None = None
    recovered: Moment | None = None
    backup: Moment | None = None
    """When the backup was taken that was recovered from."""
    verified: Moment | None = None
    """When the recovered data were found clean."""
    reviewed: Moment | None = None

    @property
    def title(self) -> str:
        """Its id."""
        return self.id


class Action(Table):
    """What is to be done after an incident."""

    what: Words
    owner: str | None = None
    due: date | None = None
    done: date | Literal[True] | None = None
    """On which day; true: it is, nobody knows since when."""

    def is_done(self, today: date) -> bool:
        """Whether it is done on that day."""
        return self.done is True or (self.done is not None and self.done <= today)


class PostMortem(Record):
    """The review of an incident, on the runbook's template. What is missing in it is left out."""

    kind: Literal["post-mortem"] = "post-mortem"
    incident: Words
    """The incident's id. In a document: the title, in which the id stands."""
    date: Day | None = None
    duration_minutes: Annotated[float, Field(ge=0)] | None = None
    severity: IncidentSeverity | None = None
    commander: str | None = None
    summary: str | None = None
    cause: str | None = None
    detected: Moment | None = None
    acknowledged: Moment | None = None
    cause_found: Moment | None = None
    mitigated: Moment | None = None
    restored: Moment | None = None
    resolved: Moment | None = None
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
    starts: Moment
    ends: Moment


class Roster(Record):
    """Contacts, channels and shifts."""

    kind: Literal["roster"] = "roster"
    contacts: dict[str, Contact]
    """By kind of trouble: `production outage` …"""
    channels: tuple[Words, ...] = ()
    shifts: tuple[Shift, ...] = ()


def is_blank(text: str | None) -> bool:
    """Whether a text says nothing: none, signs only, a placeholder, or a template's text in brackets."""
    if text is None:
        return True
    plain = " ".join(text.strip(" \t\r\n*_`").casefold().split())
    return (
        not any(sign.isalnum() for sign in plain)
        or _IN_BRACKETS.fullmatch(plain) is not None
        or plain.rstrip(".") in _PLACEHOLDERS
        or any(left in plain for left in _LEFT_OVER)
    )


def is_nobody(name: str | None) -> bool:
    """Whether a name names no one."""
    return is_blank(name) or " ".join(str(name).casefold().split()) in _NOBODY


_IN_BRACKETS = re.compile(r"\[[^\]]*\]|<[^>]*>")
_PLACEHOLDERS = frozenset(
    {
        *("tbd", "tba", "tbc", "todo", "fixme", "xxx", "to be done", "to be defined", "to be determined"),
        *("yyyy-mm-dd", "hh:mm", "x hours y minutes", "sev[1-4]"),
    }
)
_LEFT_OVER = ("[number/percentage]", "[$x or n/a]", "[yes/no, details]", "[name]", "[date]", "[...]", "[…]")
"""What the template holds in places where more may stand beside it."""
_NOBODY = frozenset(
    {
        *("nobody", "no one", "none", "n/a", "na", "unknown", "vacant", "open", "name", "nn", "n.n.", "null"),
        *("someone", "somebody", "anyone", "anybody", "who", "team", "x", "to be named", "not assigned"),
        *("unassigned", "nil"),
    }
)
