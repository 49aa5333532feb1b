"""MNT-01's arithmetic: days and times are local, lengths and notice are real hours, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opsverify import windows
from opsverify.environment import Maintenance, WindowRule
from opsverify.records import Kept, Window

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
RULES = Maintenance().windows
TOO_LATE = "23.0 h before its start, expected at least 24 h"
BEFORE_ALL = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> datetime:
    """A moment by what a zone's clocks show."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def made(starts: datetime, minutes: float = 30, notice: float | None = 400, **more: Any) -> Window:
    """A window, announced some real hours before its start."""
    start = starts.astimezone(UTC)
    announced = None if notice is None else start - timedelta(hours=notice)
    whole = {
        "who": "release-manager",
        "when": BEFORE_ALL,
        "id": "W",
        "type": "minor",
        "starts": start,
        "ends": start + timedelta(minutes=minutes),
        "announced": announced,
    }
    return Window.model_validate(whole | more)


def judged(window: Window, zone: str = "UTC", rules: dict[str, WindowRule] = RULES) -> list[str]:
    """The findings, without the window's name."""
    found = windows.findings(window, rules, zone, now=window.starts - timedelta(minutes=1))
    return [one.partition("): ")[2] or one for one in found]


SATURDAY = "2026-11-28 02:00"


@pytest.mark.parametrize(
    ("starts", "zone"),
    [
        (SATURDAY, "UTC"),
        (SATURDAY, BERLIN),
        (SATURDAY, NEW_YORK),
        ("2028-02-26 02:00", BERLIN),  # before a leap day
        ("2026-02-28 02:00", NEW_YORK),  # end of a month
        ("2026-10-31 02:00", NEW_YORK),  # the day before clocks are set back
        ("2026-03-28 02:00", BERLIN),  # the day before they are set forward
    ],
)
def test_a_window_at_its_local_time_is_good(starts: str, zone: str) -> None:
    """Saturday at two by the clocks of the environment's zone, whatever that is in UTC."""
    assert judged(made(at(starts, zone)), zone) == []


@pytest.mark.parametrize(
    ("starts", "of", "zone", "finding"),
    [
        (
            "2026-11-27 02:00",
            "UTC",
            "UTC",
            "starts on friday 2026-11-27 02:00 UTC, expected saturday, 02:00 (UTC)",
        ),
        (
            SATURDAY,
            "UTC",
            BERLIN,
            "starts on saturday 2026-11-28 03:00 CET, expected saturday, 02:00 (Europe/Berlin)",
        ),
        (
            SATURDAY,
            "UTC",
            NEW_YORK,
            "starts on friday 2026-11-27 21:00 EST, expected saturday, 02:00 (America/New_York)",
        ),
        (
            "2026-11-28 02:01",
            "UTC",
            "UTC",
            "starts on saturday 2026-11-28 02:01 UTC, expected saturday, 02:00 (UTC)",
        ),
        (
            "2026-06-27 00:00",
            "UTC",
            "Asia/Kolkata",
            "starts on saturday 2026-06-27 05:30 IST, expected saturday, 02:00 (Asia/Kolkata)",
        ),
    ],
)
def test_another_day_or_time_is_found(starts: str, of: str, zone: str, finding: str) -> None:
    """The weekday is that of the environment's zone; the finding has the local time."""
    assert judged(made(at(starts, of)), zone) == [finding]


@pytest.mark.parametrize(
    ("day", "of_day", "zone", "expected"),
    [
        # set forward over it: when it would have been by the clocks of before
        ("2026-03-29", "02:00", BERLIN, ["2026-03-29 01:00"]),
        ("2026-03-29", "02:30", BERLIN, ["2026-03-29 01:30"]),
        ("2026-03-08", "02:00", NEW_YORK, ["2026-03-08 07:00"]),
        # set back over it: it strikes twice
        ("2026-10-25", "02:00", BERLIN, ["2026-10-25 00:00", "2026-10-25 01:00"]),
        ("2026-11-01", "01:30", NEW_YORK, ["2026-11-01 05:30", "2026-11-01 06:30"]),
        # on the same days, clear of the change
        ("2026-03-29", "03:00", BERLIN, ["2026-03-29 01:00"]),
        ("2026-11-01", "02:00", NEW_YORK, ["2026-11-01 07:00"]),
        ("2026-10-25", "03:00", BERLIN, ["2026-10-25 02:00"]),
        ("2028-02-29", "02:00", BERLIN, ["2028-02-29 01:00"]),
        ("2026-12-31", "23:30", "Pacific/Auckland", ["2026-12-31 10:30"]),
    ],
)
def test_a_local_time_means_the_moments_it_strikes(
    day: str, of_day: str, zone: str, expected: list[str]
) -> None:
    """None, one or two when clocks change; where it strikes never, the clocks of before count."""
    found = windows.starts_at(date.fromisoformat(day), time.fromisoformat(of_day), ZoneInfo(zone))
    assert sorted(found) == [at(one) for one in expected]


@pytest.mark.parametrize(
    ("starts", "good"),
    [("2026-03-29 01:00", True), ("2026-03-29 00:00", False), ("2026-03-29 02:00", False)],
)
def test_a_major_window_on_the_day_clocks_go_forward(starts: str, good: bool) -> None:
    """Two o'clock does not strike in Berlin that Sunday: the window is at three, which is 01:00 UTC."""
    assert (judged(made(at(starts), 120, type="major"), BERLIN) == []) is good


@pytest.mark.parametrize(
    ("starts", "good"),
    [
        ("2026-10-25 00:00", True),
        ("2026-10-25 01:00", True),
        ("2026-10-25 02:00", False),
        ("2026-10-24 23:00", False),
    ],
)
def test_a_major_window_on_the_day_clocks_go_back(starts: str, good: bool) -> None:
    """Two o'clock strikes twice in Berlin that Sunday: either is good."""
    assert (judged(made(at(starts), 120, type="major"), BERLIN) == []) is good


@pytest.mark.parametrize(
    ("minutes", "findings"),
    [(30, []), (1, []), (30.5, ["lasts 30.5 min, expected at most 30 min"])],
)
def test_length_is_bounded(minutes: float, findings: list[str]) -> None:
    """Up to the limit, and not a second more."""
    assert judged(made(at(SATURDAY), minutes)) == findings


def test_length_is_real_time_across_a_change_of_clocks() -> None:
    """An hour more passes than the clocks show when they are set back between, one less when forward."""
    rules = {"major": WindowRule(days=("sunday",), at=time(1), lasts_at_most_minutes=120)}
    back = made(at("2026-10-25 01:00", BERLIN), type="major", ends=at("2026-10-25 03:00", BERLIN))
    forward = made(at("2026-03-29 01:00", BERLIN), type="major", ends=at("2026-03-29 04:00", BERLIN))
    assert judged(back, BERLIN, rules) == ["lasts 180 min, expected at most 120 min"]
    assert judged(forward, BERLIN, rules) == []


@pytest.mark.parametrize(
    ("starts", "announced", "zone", "findings"),
    [
        # 24 hours by the clocks are 23 and 25 real ones
        (
            "2026-03-29 12:00",
            "2026-03-28 12:00",
            BERLIN,
            [f"was announced on saturday 2026-03-28 12:00 CET, {TOO_LATE}"],
        ),
        ("2026-10-25 12:00", "2026-10-24 12:00", BERLIN, []),
        ("2026-10-25 12:00", "2026-10-24 13:00", BERLIN, []),
        (
            "2026-03-08 12:00",
            "2026-03-07 12:00",
            NEW_YORK,
            [f"was announced on saturday 2026-03-07 12:00 EST, {TOO_LATE}"],
        ),
        ("2026-11-01 12:00", "2026-10-31 13:00", NEW_YORK, []),
        ("2028-03-01 12:00", "2028-02-29 12:00", BERLIN, []),
        (
            "2026-06-02 12:00",
            "2026-06-02 13:00",
            BERLIN,
            ["its announcement lies in the future (tuesday 2026-06-02 13:00 CEST)"],
        ),
        ("2026-06-02 12:00", None, BERLIN, ["was not announced, expected at least 24 h before its start"]),
    ],
)
def test_notice_is_in_real_hours(starts: str, announced: str | None, zone: str, findings: list[str]) -> None:
    """People sleep as long as the sun says: notice counts hours that pass, not those that clocks show."""
    rules = {"minor": WindowRule(announced_at_least_hours=24)}
    window = made(at(starts, zone), announced=None if announced is None else at(announced, zone))
    assert judged(window, zone, rules) == findings


@pytest.mark.parametrize(("reason", "good"), [("it burns", True), (None, False), ("  ", False)])
def test_an_emergency_has_a_reason(reason: str | None, good: bool) -> None:
    """At any time, of any length, unannounced: but somebody says why."""
    window = made(at("2026-11-25 14:07"), 999, None, type="emergency", reason=reason)
    assert judged(window) == ([] if good else ["states no reason"])


def test_a_window_may_last_across_midnight() -> None:
    """Day and time are those of its start: one from Saturday half past eleven ends on Sunday, the 1st."""
    rules = {"late": WindowRule(days=("saturday",), at=time(23, 30), lasts_at_most_minutes=60)}
    window = made(at("2026-10-31 23:30", BERLIN), 60, type="late")
    assert judged(window, BERLIN, rules) == []
    sunday = made(at("2026-11-01 00:30", BERLIN), 60, type="late")
    assert judged(sunday, BERLIN, rules) == [
        "starts on sunday 2026-11-01 00:30 CET, expected saturday, 23:30 (Europe/Berlin)"
    ]


def test_an_unknown_type_is_found() -> None:
    """A type that no rule is for cannot be judged as good; the nearest is named."""
    assert windows.findings(made(at(SATURDAY), type="mino"), RULES, "UTC", BEFORE_ALL) == (
        "window W: unknown type 'mino' (did you mean 'minor'?)",
    )


def test_all_findings_come_at_once() -> None:
    """Whoever corrects a window sees everything that is wrong with it."""
    window = made(at("2026-11-27 03:00"), 45, 2)
    assert len(judged(window)) == 3


def kept(name: str, starts: str, ends: str, when: datetime = BEFORE_ALL) -> Kept[Window]:
    """A window on record."""
    window = made(at(starts), id=name, ends=at(ends), when=when)
    return Kept(window, f"{name}.toml", b"")


def test_the_window_meant_is_the_next_or_the_current_one() -> None:
    """One that has ended is none, also in the moment of its end; of overlapping ones the first counts."""
    past = kept("past", "2026-11-21 02:00", "2026-11-21 02:30")
    current = kept("current", "2026-11-24 02:00", "2026-11-24 04:00")
    ahead = kept("ahead", "2026-11-28 02:00", "2026-11-28 02:30")
    all_of = [ahead, past, current]
    assert windows.next_or_current(all_of, at("2026-11-24 03:00")) == current
    assert windows.next_or_current(all_of, at("2026-11-24 04:00")) == ahead
    assert windows.next_or_current([past], at("2026-11-24 03:00")) is None
    assert windows.last_begun(all_of, at("2026-11-24 02:00")) == current
    assert windows.last_begun(all_of, at("2026-11-24 01:59")) == past
    assert windows.last_begun([ahead], at("2026-11-24 01:59")) is None


def test_a_newer_record_of_a_window_replaces_the_older() -> None:
    """A window that was moved is at its new time only."""
    first = kept("W-1", "2026-11-28 02:00", "2026-11-28 02:30")
    moved = kept("W-1", "2026-12-05 02:00", "2026-12-05 02:30", when=BEFORE_ALL + timedelta(days=1))
    assert windows.next_or_current([moved, first], at("2026-11-24 03:00")) == moved
    assert windows.last_begun([moved, first], at("2026-11-30 03:00")) is None
