"""What an environment asks of incidents, of escalation and of whoever joins the rotation."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from opsverify.environment.base import Positive, Table, Words
from opsverify.environment.delivery import WEEKDAYS, Weekday

IncidentSeverity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]


def _known_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if name != "UTC":  # which needs no database of zones
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"expected the name of a time zone, such as Europe/Berlin, not {name!r}") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
"""IANA name of a time zone."""

RUNBOOK_MINUTES: dict[IncidentSeverity, float] = {"SEV1": 15, "SEV2": 60, "SEV3": 240}
"""Runbook: severity-levels. The mildest is answered on the next business day."""


class IncidentRules(Table):
    """How an incident is handled in time. Minutes and hours run day and night."""

    acknowledged_within_minutes: dict[IncidentSeverity, Positive] = Field(
        default_factory=lambda: dict(RUNBOOK_MINUTES)
    )
    """From detection, by severity. One that is named here replaces the runbook's; SEV4 has until the end
    of the next business day unless it is named."""
    informed_within_minutes: dict[IncidentSeverity, Positive] = Field(default_factory=dict)
    """From acknowledgement: by then severity, impact, first status update and assignee are on record. The
    runbook names no time; where none is given, as long again as acknowledging may take."""
    timezone: Zone = "UTC"
    """In which days begin and end."""
    business_days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS[:5]
    holidays: tuple[date, ...] = ()
    """Days that are no business days."""
    channel: Words = "#incidents"
    """Where incidents are acknowledged."""
    reviewed_within_hours: Positive = 48
    """From closing until the review takes place."""
    look_back_days: Positive = 14
    """Incidents that ended in these days, or have not ended, are judged where a run names none."""
    post_mortem_of: tuple[IncidentSeverity, ...] = ("SEV1", "SEV2", "SEV3")
    """Severities that need a post-mortem; one that is there is judged whatever its severity."""

    @model_validator(mode="after")
    def _keep_the_runbooks_times(self) -> IncidentRules:
        minutes = {**RUNBOOK_MINUTES, **self.acknowledged_within_minutes}
        object.__setattr__(self, "acknowledged_within_minutes", minutes)
        return self


RUNBOOK_CONTACTS: dict[str, float] = {
    "production outage": 15,
    "security incident": 0,
    "payment issues": 24 * 60,
    "database critical": 60,
}
"""Runbook: escalation-contacts. Minutes until somebody answers."""


class EscalationRules(Table):
    """Who can be called, how soon they answer, and where people talk."""

    within_minutes: dict[Words, Annotated[float, Field(ge=0)]] = Field(
        default_factory=lambda: dict(RUNBOOK_CONTACTS)
    )
    """By kind of trouble; one that is named here replaces the runbook's, the others stay."""
    channels: tuple[Words, ...] = ("#incidents", "#engineering", "ops@inmidst.io")
    role: Words = "on-call engineer"
    """Of this role somebody is on call at any time."""

    @model_validator(mode="after")
    def _keep_the_runbooks_kinds(self) -> EscalationRules:
        object.__setattr__(self, "within_minutes", {**RUNBOOK_CONTACTS, **self.within_minutes})
        return self


class OnboardingRules(Table):
    """What is attested of each engineer before they are on call."""

    items: Annotated[tuple[Words, ...], Field(min_length=1)] = (
        "member of #incidents",
        "has read the runbook",
        "knows escalation contacts",
        "understands severities",
    )
