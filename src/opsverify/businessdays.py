"""Business days: which days are, when the next one ends, in the time zone of those who work then."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

LOOK_AHEAD_DAYS = 3 * 366
"""Who has no business day in three years has none."""


@dataclass(frozen=True)
class BusinessDays:
    """The days on which people work, in one place."""

    timezone: str
    """IANA name."""
    weekdays: Collection[int]
    """0 is Monday."""
    holidays: Collection[date] = ()

    @property
    def zone(self) -> tzinfo:
        """The time zone. UTC needs no database of zones."""
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)

    def day_of(self, moment: datetime) -> date:
        """The day that it is there, at a moment with its zone."""
        return moment.astimezone(self.zone).date()

    def is_one(self, day: date) -> bool:
        """Whether people work on a day."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def after(self, day: date) -> date:
        """The next business day after a day.

        Raises:
            ValueError: there is none in the next years.
        """
        for days in range(1, LOOK_AHEAD_DAYS):
            found = day + timedelta(days=days)
            if self.is_one(found):
                return found
        raise ValueError(f"no business day follows {day:%Y-%m-%d}")

    def end_of(self, day: date) -> datetime:
        """The first moment after a day, in UTC.

        Where clocks skip midnight that is the moment of the change; where they show it twice, the first.
        """
        return datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def next_one_ends(self, moment: datetime) -> datetime:
        """When the business day ends that follows the day of a moment, in UTC.

        Raises:
            ValueError: none follows in the next years.
        """
        return self.end_of(self.after(self.day_of(moment)))
