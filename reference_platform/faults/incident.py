"""Faults that the checks of incidents' records, and of the roster, must see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reference_platform.faults.model import Fault, Verb
from reference_platform.faults.recorded import changed, without, written
from reference_platform.records.incidents import (
    INTRUSION,
    OUTAGE,
    ROSTER,
    SLOWNESS,
    document,
    file_of,
    review_of,
)
from reference_platform.state import Platform

Record = dict[str, Any]
HANDLED = frozenset({"INC-05[records]"})
LEARNT = frozenset({"INC-06[records]"})
ROSTERED = frozenset({"INC-07[records]"})
SECURED = frozenset({"INC-08[records]"})
LONG_AGO = datetime(2026, 1, 12, 9, 40, tzinfo=UTC)


def after_detection(minutes: float) -> Any:
    """A time so long after an incident was detected."""

    def time(_: Platform, record: Record) -> datetime:
        at: datetime = record["detected"] + timedelta(minutes=minutes)
        return at

    return time


def contact(kind: str, **other: str | None) -> Any:
    """The roster's contacts, with one that is another; None leaves a field out."""

    def contacts(_: Platform, record: Record) -> Record:
        found: Record = record["contacts"]
        own = {key: value for key, value in (found[kind] | other).items() if value is not None}
        return found | {kind: own}

    return contacts


def first_action(**other: object) -> Any:
    """A post-mortem's actions, with the first another."""

    def actions(_: Platform, record: Record) -> list[Record]:
        first, *rest = record["actions"]
        return [first | other, *rest]

    return actions


def shift_over(_: Platform, record: Record) -> list[Record]:
    """The roster's shifts: the last one is over."""
    first, *_rest = record["shifts"]
    return [first | {"ends": datetime.now(UTC) - timedelta(minutes=1)}]


def _outage(words: str, **changes: Any) -> Verb:
    return changed(f"of an incident is on record that {words}", file_of(OUTAGE), **changes)


FAULTS = (
    Fault(
        "INC-05",
        "late",
        _outage(
            "it was acknowledged after 70 minutes",
            acknowledged=after_detection(70),
            mitigated=after_detection(80),
            green_run=after_detection(85),
            closed=after_detection(90),
        ),
        HANDLED,
    ),
    Fault("INC-05", "no update", _outage("nobody was told", updates=[]), HANDLED),
    Fault(
        "INC-05",
        "closed without a green run",
        _outage("no run said go", green_run=None, green_link=None),
        HANDLED,
    ),
    Fault("INC-05", "no review", _outage("no review was scheduled", review_scheduled=None), HANDLED),
    Fault(
        "INC-06",
        "time missing",
        changed("a post-mortem does not say when service was restored", review_of(OUTAGE), restored=None),
        LEARNT,
    ),
    Fault(
        "INC-06",
        "no owner",
        written("nobody owns an action", review_of(SLOWNESS), document(LONG_AGO, owner="[Name]")),
        LEARNT,
    ),
    Fault(
        "INC-06",
        "overdue",
        changed(
            "an action was due last year",
            review_of(OUTAGE),
            actions=first_action(due=datetime(2025, 1, 1, tzinfo=UTC).date()),
        ),
        LEARNT,
    ),
    Fault("INC-06", "none", without("a post-mortem is missing", review_of(INTRUSION)), LEARNT),
    Fault(
        "INC-07",
        "missing secondary",
        changed("nobody stands in", ROSTER, contacts=contact("database critical", secondary=None)),
        ROSTERED,
    ),
    Fault(
        "INC-07",
        "other time",
        changed("an answer takes two days", ROSTER, contacts=contact("payment issues", within="48 h")),
        ROSTERED,
    ),
    Fault(
        "INC-07",
        "empty roster",
        changed("the roster is empty", ROSTER, contacts={}, channels=[], shifts=[]),
        ROSTERED,
    ),
    Fault("INC-07", "nobody on call", changed("the last shift is over", ROSTER, shifts=shift_over), ROSTERED),
    Fault(
        "INC-08",
        "backup from after the compromise",
        changed("it was recovered from a fresh backup", file_of(INTRUSION), backup=after_detection(-60)),
        SECURED,
    ),
    Fault(
        "INC-08",
        "step missing",
        changed("the threat was not removed", file_of(INTRUSION), eradicated=None),
        SECURED,
    ),
)
