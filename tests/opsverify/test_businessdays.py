"""Business days: weekends, holidays, year's end, and days that begin when clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from opsverify.businessdays import BusinessDays

MONDAY_TO_FRIDAY = frozenset(range(5))


def at(text: str) -> datetime:
    """A moment from `2026-11-27 17:00Z`, or with another offset."""
    return datetime.fromisoformat(text)


def days(zone: str = "UTC", *holidays: str, weekdays: frozenset[int] = MONDAY_TO_FRIDAY) -> BusinessDays:
    """Business days of a zone."""
    return BusinessDays(zone, weekdays, frozenset(date.fromisoformat(one) for one in holidays))


@pytest.mark.parametrize(
    ("zone", "holidays", "moment", "ends"),
    [
        # any weekday; 2026-11-23 is a Monday
        ("UTC", (), "2026-11-23 00:00+00:00", "2026-11-25 00:00+00:00"),
        ("UTC", (), "2026-11-23 23:59:59+00:00", "2026-11-25 00:00+00:00"),
        ("UTC", (), "2026-11-24 10:00+00:00", "2026-11-26 00:00+00:00"),
        ("UTC", (), "2026-11-26 10:00+00:00", "2026-11-28 00:00+00:00"),
        # Friday, Saturday and Sunday: until Monday is over
        ("UTC", (), "2026-11-27 00:00+00:00", "2026-12-01 00:00+00:00"),
        ("UTC", (), "2026-11-27 23:59+00:00", "2026-12-01 00:00+00:00"),
        ("UTC", (), "2026-11-28 12:00+00:00", "2026-12-01 00:00+00:00"),
        ("UTC", (), "2026-11-29 12:00+00:00", "2026-12-01 00:00+00:00"),
        # holidays, one after the other, and around a weekend; year's end
        ("UTC", ("2026-11-30",), "2026-11-27 12:00+00:00", "2026-12-02 00:00+00:00"),
        ("UTC", ("2026-12-25", "2026-12-28"), "2026-12-24 12:00+00:00", "2026-12-30 00:00+00:00"),
        ("UTC", ("2027-01-01",), "2026-12-31 12:00+00:00", "2027-01-05 00:00+00:00"),
        ("UTC", (), "2028-02-28 12:00+00:00", "2028-03-01 00:00+00:00"),
        # the day is the zone's: Friday evening in UTC is Saturday in Auckland, and still Friday in New York
        ("Pacific/Auckland", (), "2026-11-27 12:00+00:00", "2026-11-30 11:00+00:00"),
        ("America/New_York", (), "2026-11-28 03:00+00:00", "2026-12-01 05:00+00:00"),
        ("America/New_York", (), "2026-11-30 03:00+00:00", "2026-12-01 05:00+00:00"),
        ("Asia/Kathmandu", (), "2026-11-23 18:14+00:00", "2026-11-24 18:15+00:00"),
        ("Asia/Kathmandu", (), "2026-11-23 18:15+00:00", "2026-11-25 18:15+00:00"),
        # clocks go back on Sunday, 2026-10-25, and forward on 2026-03-29, in Berlin
        ("Europe/Berlin", (), "2026-10-23 12:00+00:00", "2026-10-26 23:00+00:00"),
        ("Europe/Berlin", (), "2026-03-27 12:00+00:00", "2026-03-30 22:00+00:00"),
    ],
)
def test_the_next_business_day_ends(zone: str, holidays: tuple[str, ...], moment: str, ends: str) -> None:
    """It is the business day after the one that it is there, up to its last moment there."""
    assert days(zone, *holidays).next_one_ends(at(moment)) == at(ends)


@pytest.mark.parametrize("weekday", range(7))
@pytest.mark.parametrize("hour", [0, 9, 23])
def test_at_any_hour_of_any_day_it_lies_ahead(weekday: int, hour: int) -> None:
    """A day at least, and with a weekend between three and a bit at most."""
    moment = datetime(2026, 11, 23, hour, 30, tzinfo=UTC) + timedelta(days=weekday)
    left = days().next_one_ends(moment) - moment
    assert timedelta(days=1) < left < timedelta(days=4)


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        # clocks go from 00:00 to 01:00: midnight of that day does not exist there
        ("Africa/Cairo", "2026-04-23", "2026-04-23 22:00+00:00"),
        ("Asia/Beirut", "2026-03-28", "2026-03-28 22:00+00:00"),
        # clocks show midnight twice: the day is over the first time
        ("America/Havana", "2026-10-31", "2026-11-01 04:00+00:00"),
        # there was no 30 December 2011
        ("Pacific/Apia", "2011-12-29", "2011-12-30 10:00+00:00"),
    ],
)
def test_a_day_ends_where_clocks_change_at_midnight(zone: str, day: str, ends: str) -> None:
    """At the change, or at the first of two midnights."""
    assert days(zone).end_of(date.fromisoformat(day)) == at(ends)


def test_people_may_work_on_other_days() -> None:
    """Sunday to Thursday; a lone day of the week; a holiday is none of them."""
    sunday_to_thursday = days(weekdays=frozenset({6, 0, 1, 2, 3}))
    assert sunday_to_thursday.after(date(2026, 11, 26)) == date(2026, 11, 29)
    assert days(weekdays=frozenset({2})).after(date(2026, 11, 25)) == date(2026, 12, 2)
    assert not days("UTC", "2026-11-25").is_one(date(2026, 11, 25))


def test_without_any_business_day_it_says_so() -> None:
    """Nobody works, so no day is next."""
    with pytest.raises(ValueError, match="no business day follows 2026-11-24"):
        days(weekdays=frozenset()).after(date(2026, 11, 24))
