"""Faults that the checks of records around deployments and maintenance must see, and of flags and pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reference_platform import files
from reference_platform.faults import recorded
from reference_platform.faults.model import Fault, Verb, only
from reference_platform.faults.verbs import answer
from reference_platform.records import attested, verdicts
from reference_platform.records.deployments import FLAGS
from reference_platform.repository import RELEASED, git
from reference_platform.services.sickness import Answer
from reference_platform.state import Platform

WINDOW = "windows/next.toml"
RUNNING = "deployments/running.toml"
Record = dict[str, Any]


def prune(release: str) -> Verb:
    """A release's tag is gone from the remote."""
    tag = f"refs/tags/{release}"

    def do(platform: Platform) -> None:
        git("-C", str(platform.remote), "update-ref", "-d", tag)

    def undo(platform: Platform) -> None:
        git("-C", str(platform.repository), "push", "--quiet", str(platform.remote), tag)

    return Verb(f"the tag {release} is gone from the remote", do, undo)


def set_flag(name: str, words: str, flag: Record | None) -> Verb:
    """A feature flag is another in the export, or gone (None)."""

    def do(platform: Platform) -> None:
        files.write_flags(platform, **{name: flag})

    return Verb(f"the flag {name} {words}", do, files.write_flags)


def hours_after(key: str, hours: float) -> Any:
    """A time of a record, moved."""

    def moved(_: Platform, record: Record) -> datetime:
        when: datetime = record[key] + timedelta(hours=hours)
        return when

    return moved


def next_sunday(_: Platform, record: Record, *, minutes: float = 0) -> datetime:
    """Two o'clock of the Sunday to come, less than a week away."""
    now = datetime.now(UTC)
    day = now.replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=(6 - now.weekday()) % 7)
    return day + timedelta(days=7 if day <= now else 0, minutes=minutes)


FAULTS = (
    Fault(
        "DEP-04",
        "no plan",
        recorded.without("there is no rollback plan", attested.PLAN),
        only("DEP-04[records]"),
    ),
    Fault("DEP-04", "revision pruned", prune(RELEASED), frozenset({"DEP-04[records]", "DEP-15[git]"})),
    Fault(
        "DEP-05",
        "no record",
        recorded.without("nobody told on-call", attested.NOTICE),
        only("DEP-05[records]"),
    ),
    Fault(
        "DEP-05",
        "another window",
        recorded.changed("on-call was told of another window", attested.NOTICE, window="W-before"),
        only("DEP-05[records]"),
    ),
    Fault(
        "DEP-13",
        "not recorded",
        recorded.without("nobody reviewed the dashboards", attested.DASHBOARDS),
        only("DEP-13[records]"),
    ),
    Fault(
        "DEP-13",
        "too late",
        # beyond the three minutes that the environment gives, and not beyond what clocks may differ
        recorded.changed(
            "the dashboards were reviewed when the time for it was over",
            attested.DASHBOARDS,
            when=hours_after("when", 0.07),
        ),
        only("DEP-13[records]"),
    ),
    Fault(
        "DEP-14",
        "not recorded",
        recorded.without("nobody went through the key flows", attested.FLOWS),
        only("DEP-14[records]"),
    ),
    Fault(
        "MNT-01",
        "other day",
        recorded.changed(
            "the window is on a Friday",
            WINDOW,
            starts=hours_after("starts", -24),
            ends=hours_after("ends", -24),
            announced=hours_after("announced", -24),
        ),
        only("MNT-01[maintenance]"),
    ),
    Fault(
        "MNT-01",
        "too long",
        recorded.changed("the window lasts 75 minutes", WINDOW, ends=hours_after("ends", 0.75)),
        only("MNT-01[maintenance]"),
    ),
    Fault(
        "MNT-01",
        "announced late",
        recorded.changed(
            "a major release is announced less than a week ahead",
            WINDOW,
            type="major",
            starts=next_sunday,
            ends=lambda platform, record: next_sunday(platform, record, minutes=120),
            announced=lambda platform, record: min(record["announced"], datetime.now(UTC)),
        ),
        only("MNT-01[maintenance]"),
    ),
    Fault(
        "MNT-01",
        "unexplained",
        recorded.changed("an emergency states no reason", WINDOW, type="emergency"),
        only("MNT-01[maintenance]"),
    ),
    Fault(
        "MNT-03",
        "no procedure",
        recorded.without("there is no rollback procedure", attested.PROCEDURE),
        only("MNT-03[records]"),
    ),
    Fault(
        "MNT-03",
        "nobody on call",
        recorded.without("nobody said who is on call", attested.CONFIRMED),
        only("MNT-03[records]"),
    ),
    Fault(
        "MNT-04",
        "not announced",
        answer(
            "outside",
            "announces no maintenance",
            Answer(
                path="/api/v2/scheduled-maintenances/upcoming.json",
                body='{"page": {"id": "midstpage000"}, "scheduled_maintenances": []}',
            ),
        ),
        only("MNT-04[maintenance]"),
    ),
    Fault(
        "MNT-04",
        "outage",
        answer(
            "outside",
            "tells of an outage",
            Answer(path="/api/v2/status.json", instead=("All Systems Operational", "Partial System Outage")),
        ),
        only("MNT-04[maintenance]"),
    ),
    Fault(
        "MNT-05",
        "open",
        answer(
            "outside",
            "has the ticket open",
            Answer(path="/repos/midst/operations/issues/*", instead=('"state":"closed"', '"state":"open"')),
        ),
        only("MNT-05[maintenance]"),
    ),
    Fault(
        "MNT-06",
        "nightly missing",
        recorded.written(
            "the last nightly run was long ago",
            verdicts.file_of("nightly"),
            verdicts.text("nightly", datetime(2026, 1, 5, 2, tzinfo=UTC)),
        ),
        only("MNT-06[records]"),
    ),
    Fault(
        "MNT-06",
        "load test missing",
        recorded.changed(
            "the last load test was 40 days ago", attested.LOAD, when=hours_after("when", -40 * 24)
        ),
        only("MNT-06[records]"),
    ),
    Fault(
        "CFG-05",
        "at 100 percent",
        set_flag(FLAGS[0], "is on for everybody", {"owner": "service-owner", "percent": 100}),
        only("CFG-05[flags]"),
    ),
    Fault("CFG-05", "missing", set_flag(FLAGS[0], "is gone", None), only("CFG-05[flags]")),
)
