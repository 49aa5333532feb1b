"""Records of incidents that are over, of what was learnt, of the roster, and of an engineer who joined."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reference_platform.records import keeping
from reference_platform.records.attested import ON_CALL
from reference_platform.records.keeping import Table
from reference_platform.state import Platform

OUTAGE, SLOWNESS, INTRUSION = "INC-1", "INC-2", "SEC-1"
"""Ids: a broken feature, a slow one, and a stolen credential."""
ENGINEER = "new-engineer"
"""Who joined the rotation."""
ROSTER = "roster.toml"
AFTER_MINUTES = {
    "acknowledged": 9,
    "cause_found": 31,
    "mitigated": 48,
    "restored": 55,
    "green_run": 58,
    "closed": 65,
}
"""From detection, in every one of these incidents: soon enough for the gravest severity."""
ITEMS = (
    "member of #incidents",
    "has read the runbook",
    "knows escalation contacts",
    "understands severities",
)


def file_of(incident: str) -> str:
    """The file of an incident's record."""
    return f"incidents/{incident}.toml"


def review_of(incident: str) -> str:
    """The file of an incident's post-mortem: one of them is a document."""
    return f"post-mortems/{incident}.{'md' if incident == SLOWNESS else 'toml'}"


def attested(engineer: str, item: str) -> str:
    """The file of what is attested of an engineer."""
    return f"onboarding/{engineer}/{item.replace(' ', '-').replace('#', '')}.toml"


def tables(platform: Platform, started: datetime, ended: datetime) -> dict[str, Table]:
    """Incidents, post-mortems, roster and attestations, by file.

    Args:
        platform: whose records they are.
        started: when `up` began to start services.
        ended: when all were ready.
    """
    outage, slowness, intrusion = (detected(incident, started) for incident in AGO)
    return {
        file_of(OUTAGE): _incident(OUTAGE, "SEV2", outage, "Nobody can pay."),
        file_of(SLOWNESS): _incident(SLOWNESS, "SEV3", slowness, "Searching for jobs takes long."),
        file_of(INTRUSION): _incident(INTRUSION, "SEV1", intrusion, "A token was in a public log.")
        | _secured(intrusion),
        review_of(OUTAGE): _review(OUTAGE, "SEV2", outage, "An expired key was deployed."),
        review_of(INTRUSION): _review(INTRUSION, "SEV1", intrusion, "A debug line printed a header."),
        ROSTER: _roster(started),
        **{
            attested(engineer, item): {
                "kind": "attestation",
                "who": ON_CALL,
                "when": started,
                "what": item,
                "engineer": engineer,
            }
            for engineer in (ENGINEER, ON_CALL)
            for item in ITEMS
        },
    }


AGO = {OUTAGE: 4, SLOWNESS: 5, INTRUSION: 6}
"""Days since each incident: in the last fortnight, and longer ago than a review may be to come."""


def write_down(platform: Platform, started: datetime) -> None:
    """Write the post-mortem that is a document.

    Args:
        platform: among whose records it is.
        started: when `up` began to start services.
    """
    name = review_of(SLOWNESS)
    keeping.write(platform, name, document(detected(SLOWNESS, started)))
    keeping.commit(platform, [name], by=ON_CALL)


def detected(incident: str, started: datetime) -> datetime:
    """When an incident was detected, to the minute as a timeline has it; the slow one late in the evening."""
    day = (started - timedelta(days=AGO[incident])).astimezone(UTC).replace(second=0, microsecond=0)
    return day.replace(hour=23, minute=25) if incident == SLOWNESS else day


def document(at: datetime, *, owner: str = "service-owner") -> str:
    """The post-mortem of the slow search, on the runbook's template.

    Args:
        at: when it was detected.
        owner: of the action.
    """
    events = {
        "Incident detected": 0,
        "Acknowledged, investigation started": AFTER_MINUTES["acknowledged"],
        "Root cause identified": AFTER_MINUTES["cause_found"],
        "Mitigation applied": AFTER_MINUTES["mitigated"],
        "Service restored": AFTER_MINUTES["restored"],
        "Incident resolved": AFTER_MINUTES["closed"],
    }
    timeline = "\n".join(
        f"- {at + timedelta(minutes=after):%H:%M} - {what}" for what, after in events.items()
    )
    return f"""\
## Incident Post-Mortem: {SLOWNESS} Slow job search

**Date**: {at:%Y-%m-%d}
**Duration**: 1 hour 5 minutes
**Severity**: SEV3
**Incident Commander**: {ON_CALL}

### Summary
Searching for jobs took half a minute. Requests that gave up were sent again and made it worse.

### Timeline (UTC)
{timeline}

### Root Cause
An index was missing after a migration.

### Impact
- Users affected: 4 %
- Revenue impact: N/A
- Data loss: no

### Action Items
- [ ] Review query plans before each release - Owner: {owner} - Due: {at + timedelta(days=365):%Y-%m-%d}
- [x] Add the index - Owner: service-owner - Due: {at + timedelta(days=1):%Y-%m-%d}

### Lessons Learned
- What went well: the dashboard named the query at once
- What could improve: an alert should have come before the users did
"""


def _incident(incident: str, severity: str, at: datetime, impact: str) -> dict[str, Any]:
    times = {
        name: at + timedelta(minutes=after)
        for name, after in AFTER_MINUTES.items()
        if name not in {"cause_found", "restored"}
    }
    return {
        "kind": "incident",
        "who": ON_CALL,
        "when": times["closed"],
        "id": incident,
        "severity": severity,
        "impact": impact,
        "detected": at,
        **times,
        "acknowledged_in": "#incidents",
        "updates": [{"at": at + timedelta(minutes=15), "text": "We know of it and look for the cause."}],
        "assignee": "service-owner",
        "mitigation": "Rolled back.",
        "green_link": f"https://midst.example/gates/{incident}",
        "review_scheduled": times["closed"] + timedelta(hours=20),
    }


def _secured(at: datetime) -> dict[str, Any]:
    return {
        "type": "security",
        "compromised": at - timedelta(hours=7),
        "contained": at + timedelta(minutes=20),
        "eradicated": at + timedelta(minutes=40),
        "backup": at - timedelta(hours=9),
        "recovered": at + timedelta(minutes=50),
        "verified": at + timedelta(minutes=56),
        "reviewed": at + timedelta(hours=21),
    }


def _review(incident: str, severity: str, at: datetime, cause: str) -> dict[str, Any]:
    times = {
        {"closed": "resolved"}.get(name, name): at + timedelta(minutes=after)
        for name, after in AFTER_MINUTES.items()
        if name != "green_run"
    }
    return {
        "kind": "post-mortem",
        "who": ON_CALL,
        "when": at + timedelta(hours=21),
        "incident": incident,
        "date": at.date(),
        "duration_minutes": AFTER_MINUTES["closed"],
        "severity": severity,
        "commander": ON_CALL,
        "summary": "It was noticed within minutes and over within the hour.",
        "cause": cause,
        "detected": at,
        **times,
        "users": "all who tried, 2 %",
        "revenue": "N/A",
        "data_loss": "no",
        "actions": [
            {
                "what": "Find it before it is deployed",
                "owner": "service-owner",
                "due": at.date() + timedelta(days=365),
            },
            {
                "what": "Tell those concerned",
                "owner": "release-manager",
                "due": at.date() + timedelta(days=1),
                "done": at.date() + timedelta(days=1),
            },
        ],
        "went_well": "Rolling back took five minutes.",
        "could_improve": "The alert named no service.",
    }


def _roster(started: datetime) -> Table:
    return {
        "kind": "roster",
        "who": ON_CALL,
        "when": started,
        "contacts": {
            "production outage": _contact("on-call engineer", "team lead", "15 min"),
            "security incident": _contact("security team", "CTO", "immediate"),
            "payment issues": _contact("payment provider's support", "finance", "24 h"),
            "database critical": _contact("DBA on call", "cloud provider", "1 h"),
        },
        "channels": ["#incidents", "#engineering", "ops@inmidst.io"],
        "shifts": [
            {"who": ON_CALL, "starts": started - timedelta(days=7), "ends": started + timedelta(days=365)}
        ],
    }


def _contact(primary: str, secondary: str, within: str) -> Table:
    return {"primary": primary, "secondary": secondary, "within": within}
