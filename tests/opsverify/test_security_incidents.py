"""The response to a security incident, as its record shows it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, IncidentRules
from opsverify.looking import CouldNotLook
from opsverify.probes.security import response_missed, secured
from opsverify.records import Incident
from tests.opsverify.incidents import LATER, minutes, shifted, table
from tests.opsverify.recording import recorded

RULES = IncidentRules()
FOUR = "2026-11-24 04:00 UTC"


def security(**other: Any) -> dict[str, Any]:
    """A security incident that was responded to well."""
    return {
        **table(),
        "type": "security",
        "compromised": minutes(-300),
        "contained": minutes(10),
        "eradicated": minutes(40),
        "backup": minutes(-400),
        "recovered": minutes(60),
        "verified": minutes(75),
        "reviewed": minutes(1_000),
        **other,
    }


def unsafe(now: datetime = LATER, all_due: bool = False, **other: Any) -> list[str]:
    """What such a record does not show."""
    whole = {key: value for key, value in security(who="x", **other).items() if value is not None}
    return response_missed(Incident.model_validate(whole), RULES, now, all_due=all_due)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"contained": None}, "not contained"),
        ({"eradicated": None}, "not eradicated"),
        ({"recovered": None}, "not recovered"),
        ({"verified": None}, "what was recovered is not verified"),
        ({"reviewed": None}, "not reviewed"),
        ({"backup": None}, "not on record of when the backup is that was recovered from"),
        (
            {"compromised": None},
            "not on record since when it was compromised, so no backup is known to be older",
        ),
        (
            {"backup": minutes(-300)},
            f"recovered from a backup of {FOUR}, taken after it was compromised ({FOUR})",
        ),
        (
            {"eradicated": minutes(5)},
            "eradicated (2026-11-24 09:05 UTC) before contained (2026-11-24 09:10 UTC)",
        ),
        (
            {"compromised": minutes(5)},
            "detected (2026-11-24 09:00 UTC) before compromised (2026-11-24 09:05 UTC)",
        ),
        (
            {"reviewed": minutes(70)},
            "reviewed (2026-11-24 10:10 UTC) before verified (2026-11-24 10:15 UTC)",
        ),
        ({"closed": minutes(70)}, "closed (2026-11-24 10:10 UTC) before verified (2026-11-24 10:15 UTC)"),
    ],
)
def test_each_step_of_the_response_that_is_missing_is_named(other: dict[str, Any], words: str) -> None:
    """Only that one."""
    assert unsafe(**other) == [words]


def test_a_response_under_way_misses_what_a_later_step_needs() -> None:
    """Nothing has a time by the runbook: a step is due with the next one, at the latest at the end."""
    later: dict[str, Any] = dict.fromkeys(
        ("closed", "eradicated", "recovered", "verified", "reviewed", "backup"), None
    )
    assert unsafe(**later, now=minutes(20)) == []
    assert unsafe(**{**later, "recovered": minutes(15)}, now=minutes(20)) == [
        "not eradicated",
        "not on record of when the backup is that was recovered from",
    ]
    assert "not recovered" in unsafe(**later, now=minutes(20), all_due=True)


def test_operational_incidents_are_not_asked_for_a_response(tmp_path: Path) -> None:
    """After an incident it passes; in the stage for security incidents there has to be one."""
    records = {"a.toml": shifted()}
    environment = recorded(tmp_path, records, asked=Asked(stage="post_incident", incident="INC-1"))
    assert environment.records is not None
    assert secured(environment, environment.records).missed == ()
    asked = Asked(stage="security_incident")
    environment = recorded(tmp_path, records, asked=asked)
    assert secured(environment, environment.records).missed == ("no security incident is on record",)  # type: ignore[arg-type]
    environment = recorded(tmp_path, records, asked=Asked(stage="security_incident", incident="INC-1"))
    with pytest.raises(CouldNotLook, match="is no security incident by its record"):
        secured(environment, environment.records)  # type: ignore[arg-type]
