"""Maintenance windows: which one is meant, and whether it is at its type's day, time, length and notice.

Days and times are local to a time zone, lengths and notice are real hours: across a change of the
clocks a day has 23 or 25 of them. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from opsverify.check import did_you_mean
from opsverify.environment import WEEKDAYS, WindowRule
from opsverify.evidence import one_line
from opsverify.records import Kept, Window
from opsverify.records.book import CLOCKS_DIFFER_BY


def findings(
    window: Window, rules: Mapping[str, WindowRule], timezone: str, now: datetime
) -> tuple[str, ...]:
    """What is not as the window's type demands, a sentence each.

    Args:
        window: as it is on record.
        rules: of each type.
        timezone: in which their days and times are meant (IANA name).
        now: the present moment; an announcement does not count before it was made.
    """
    name = f"window {one_line(window.id)}"
    rule = rules.get(window.type)
    if rule is None:
        return (
            f"{name}: unknown type {one_line(window.type)!r} ({did_you_mean(window.type, tuple(rules))})",
        )
    zone = ZoneInfo(timezone)
    found = [
        _wrong_start(window, rule, zone),
        _wrong_length(window, rule),
        _wrong_notice(window, rule, zone, now),
        "states no reason" if rule.needs_reason and not (window.reason or "").strip() else None,
    ]
    return tuple(f"{name} ({one_line(window.type)}): {one}" for one in found if one is not None)


def starts_at(day: date, at: time, zone: ZoneInfo) -> frozenset[datetime]:
    """The moments that a local time means on a day, in UTC.

    Two where the clocks are set back over it. Where they are set forward over it, the one it would
    have been by the clocks of before (RFC 5545, 3.3.5): 02:00 is then when it strikes 03:00.
    """
    moments = [datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1)]
    there = [one for one in moments if _exists(one)]
    return frozenset(one.astimezone(UTC) for one in (there or moments[:1]))


def newest_of_each(kept: Iterable[Kept[Window]]) -> list[Kept[Window]]:
    """Of several records of one window the newest."""
    newest: dict[str, Kept[Window]] = {}
    for one in sorted(kept, key=lambda one: (one.record.when, one.file)):
        newest[one.record.id] = one
    return list(newest.values())


def next_or_current(kept: Iterable[Kept[Window]], now: datetime) -> Kept[Window] | None:
    """The first window that is not over."""
    ahead = [one for one in newest_of_each(kept) if one.record.ends > now]
    return min(ahead, key=lambda one: (one.record.starts, one.file), default=None)


def last_begun(kept: Iterable[Kept[Window]], now: datetime) -> Kept[Window] | None:
    """The newest window that has begun, over or not."""
    begun = [one for one in newest_of_each(kept) if one.record.starts <= now]
    return max(begun, key=lambda one: (one.record.starts, one.file), default=None)


def local(moment: datetime, zone: ZoneInfo) -> str:
    """`saturday 2026-11-28 02:00 CET`."""
    there = moment.astimezone(zone)
    return f"{WEEKDAYS[there.weekday()]} {there:%Y-%m-%d %H:%M %Z}"


def _exists(moment: datetime) -> bool:
    """Whether the clocks of its zone ever show a local time."""
    back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None, fold=0) == moment.replace(tzinfo=None, fold=0)


def _wrong_start(window: Window, rule: WindowRule, zone: ZoneInfo) -> str | None:
    there = window.starts.astimezone(zone)
    right_day = WEEKDAYS[there.weekday()] in rule.days
    right_time = rule.at is None or window.starts.astimezone(UTC) in starts_at(there.date(), rule.at, zone)
    if right_day and right_time:
        return None
    days = "any day" if set(rule.days) == set(WEEKDAYS) else " or ".join(rule.days)
    at = f", {rule.at:%H:%M}" if rule.at is not None else ""
    return f"starts on {local(window.starts, zone)}, expected {days}{at} ({zone.key})"


def _wrong_length(window: Window, rule: WindowRule) -> str | None:
    if rule.lasts_at_most_minutes is None:
        return None
    lasts = window.ends.astimezone(UTC) - window.starts.astimezone(UTC)
    if lasts <= timedelta(minutes=rule.lasts_at_most_minutes):
        return None
    return f"lasts {lasts.total_seconds() / 60:g} min, expected at most {rule.lasts_at_most_minutes:g} min"


def _wrong_notice(window: Window, rule: WindowRule, zone: ZoneInfo, now: datetime) -> str | None:
    if window.announced is not None and window.announced > now + CLOCKS_DIFFER_BY:
        return f"its announcement lies in the future ({local(window.announced, zone)})"
    least = rule.announced_at_least_hours
    if not least:
        return None
    if window.announced is None:
        return f"was not announced, expected at least {least:g} h before its start"
    notice = window.starts.astimezone(UTC) - window.announced.astimezone(UTC)
    if notice >= timedelta(hours=least):
        return None
    hours = notice.total_seconds() / 3600
    announced = f"was announced on {local(window.announced, zone)}"
    when = f"{hours:.1f} h before" if hours >= 0 else "after"
    return f"{announced}, {when} its start, expected at least {least:g} h"
