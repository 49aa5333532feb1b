"""Moments and spans of time in words, for messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil


def utc(moment: datetime, *, seconds: bool = False) -> str:
    """A moment in UTC, whatever zone it was written in: `2026-11-24 15:04 UTC`."""
    there = moment.astimezone(UTC)
    return f"{there:%Y-%m-%d %H:%M:%S} UTC" if seconds else f"{there:%Y-%m-%d %H:%M} UTC"


def between(start: datetime, end: datetime) -> str:
    """From when to when, to the second: `2026-11-24 15:04:00 – 15:06:10 UTC`."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} – {until} UTC"


def span(time: timedelta) -> str:
    """A length of time: `80 min`, `2.5 h`, `3.0 days`."""
    minutes = time.total_seconds() / 60
    if minutes < 2 * 60:
        return f"{ceil(minutes)} min"  # 60 min and a second are more than an hour
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 60 / 24:.1f} days"
