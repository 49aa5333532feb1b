"""Moments and spans of time in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opsverify.moments import between, span, utc

EVENING = datetime.fromisoformat("2026-11-24T01:30:15+05:30")
"""Still the day before, in UTC."""


def test_a_moment_is_told_in_utc() -> None:
    """Whatever zone it was written in; also where it is the other day there."""
    assert utc(EVENING) == "2026-11-23 20:00 UTC"
    assert utc(EVENING, seconds=True) == "2026-11-23 20:00:15 UTC"


def test_from_when_to_when() -> None:
    """The day of the end is told where it is another one."""
    assert between(EVENING, EVENING + timedelta(hours=1)) == "2026-11-23 20:00:15 – 21:00:15 UTC"
    assert between(EVENING, EVENING + timedelta(hours=4)) == "2026-11-23 20:00:15 – 2026-11-24 00:00:15 UTC"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (timedelta(minutes=59, seconds=1), "60 min"),
        (timedelta(minutes=60, seconds=1), "61 min"),
        (timedelta(hours=2), "2.0 h"),
        (timedelta(hours=47.9), "47.9 h"),
        (timedelta(days=3), "3.0 days"),
    ],
)
def test_a_span_has_the_unit_that_fits(time: timedelta, expected: str) -> None:
    """Minutes are rounded up: what is over a limit is not told as the limit."""
    assert span(time) == expected
