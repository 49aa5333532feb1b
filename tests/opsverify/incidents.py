"""Records of incidents that were handled well, for tests to take something away from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""A Tuesday."""
LATER = AT + timedelta(days=10)


def minutes(after: float) -> datetime:
    """So long after detection."""
    return AT + timedelta(minutes=after)


def table(**other: Any) -> dict[str, Any]:
    """A record of an incident that was handled well; None leaves a key out."""
    whole = {
        "kind": "incident",
        "id": "INC-1",
        "severity": "SEV2",
        "impact": "nobody can pay",
        "detected": AT,
        "acknowledged": minutes(20),
        "acknowledged_in": "#incidents",
        "updates": [{"at": minutes(30), "text": "we look into it"}],
        "assignee": "service-owner",
        "mitigated": minutes(60),
        "mitigation": "rolled back",
        "green_run": minutes(80),
        "green_link": "https://ci.example/1",
        "closed": minutes(90),
        "review_scheduled": minutes(90 + 24 * 60),
        "when": minutes(90),
        **other,
    }
    return {key: value for key, value in whole.items() if value is not None}


RECENT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=4)


def shifted(**other: Any) -> dict[str, Any]:
    """Such a record of an incident of some days ago."""
    by = RECENT - AT
    whole = table(**other)
    moved = {key: value + by if isinstance(value, datetime) else value for key, value in whole.items()}
    return moved | {"updates": [{"at": RECENT + timedelta(minutes=25), "text": "so far"}]}
