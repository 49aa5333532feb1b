"""The incidents that a run is about, and what all checks of their records have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import pairwise

from opsverify.businessdays import BusinessDays
from opsverify.environment import WEEKDAYS, Environment, IncidentRules
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook
from opsverify.moments import utc
from opsverify.records import Book, Incident, Kept
from opsverify.records.book import CLOCKS_DIFFER_BY

LISTED_AT_MOST = 100
"""Findings, and incidents in the evidence: thousands would tell nobody more."""


def chosen(environment: Environment, pages: Book, now: datetime) -> list[Kept[Incident]]:
    """The incidents that a run is about: the one it names, or those of the last days and those still open.

    Raises:
        CouldNotLook: none has the id that was asked for.
    """
    table = environment.records
    found = pages.of(Incident)
    asked = environment.asked.incident
    if asked is None:
        days = (table.incidents if table else IncidentRules()).look_back_days
        return [one for one in found if _is_recent(one.record, now - timedelta(days=days))]
    own = [one for one in found if one.record.id == asked]
    if not own:
        ids = list(dict.fromkeys(one.record.id for one in found))
        near = get_close_matches(asked, ids, n=3, cutoff=0.4) or ids[:3]
        hint = f"The nearest on record: {', '.join(map(one_line, near))}." if near else "None is on record."
        unread = pages.bad_of(Incident)
        beside = f" Unreadable: {one_line(unread[0])}." if unread else ""
        raise CouldNotLook(
            "records", f"no incident {one_line(asked)!r} is on record", remedy=f"{hint}{beside}"
        )
    return own


def all_due(environment: Environment) -> bool:
    """Whether the run asks for all of an incident, whatever would still have time."""
    return environment.asked.stage == "post_incident" and environment.asked.incident is not None


def unread_or_twice(environment: Environment, pages: Book) -> list[str]:
    """Records of incidents that cannot be read, and ids that stand in several: which of them holds?"""
    asked = environment.asked.incident
    found = pages.of(Incident)
    files: dict[str, list[str]] = {}
    times = Counter(one.record.id for one in found)
    for one in found:
        if times[one.record.id] > 1 and asked in (None, one.record.id):
            files.setdefault(one.record.id, []).append(one.file)
    twice = [f"{one_line(key)}: stands in several records: {', '.join(of)}" for key, of in files.items()]
    return [*(pages.bad_of(Incident) if asked is None else ()), *twice]


def business_days(rules: IncidentRules) -> BusinessDays:
    """Who works when, by the environment's rules."""
    weekdays = frozenset(WEEKDAYS.index(day) for day in rules.business_days)
    return BusinessDays(rules.timezone, weekdays, frozenset(rules.holidays))


def found_in(
    pages: Book,
    judged: Iterable[Kept[Incident]],
    now: datetime,
    wrong_in: Callable[[Incident], Iterable[str]],
) -> list[str]:
    """Findings in records of incidents, each with the incident's id; why a record does not count comes first.

    Args:
        pages: what they stand in.
        judged: the records.
        now: the present moment.
        wrong_in: what else is wrong with one.
    """
    found: list[str] = []
    for kept in judged:
        flaw = pages.flaw(kept, now)
        uncounted = [] if flaw is None else [f"its record does not count: {flaw}"]
        name = one_line(kept.record.id, at_most=80)
        found += [f"{name}: {one}" for one in (*uncounted, *wrong_in(kept.record))]
    return found


def listed(findings: list[str]) -> tuple[str, ...]:
    """Findings, and how many more there are when they are many."""
    shown = findings[:LISTED_AT_MOST]
    more = len(findings) - len(shown)
    return (*shown, f"and {more:,} more") if more else tuple(shown)


def record_of(judged: list[Kept[Incident]]) -> str | None:
    """What stands on record: the one incident, or how many there are."""
    if len(judged) == 1:
        return str(judged[0])
    return f"{len(judged):,} incidents, the newest {judged[0]}" if judged else None


def overview(judged: list[Kept[Incident]], rules: IncidentRules, *, what: str = "incidents") -> Evidence:
    """The incidents that were judged, a line each."""
    if not judged:
        return Evidence(what, f"none that is open, or ended in the last {rules.look_back_days:g} days")
    lines = [_line(one) for one in judged[:LISTED_AT_MOST]]
    more = len(judged) - len(lines)
    return Evidence(what, "\n".join([*lines, *([f"and {more:,} more"] if more else [])]))


def out_of_order(now: datetime, *steps: tuple[str, datetime | None]) -> list[str]:
    """Steps that lie before the one that comes first, and those that lie in the future."""
    there = [(step, at) for step, at in steps if at is not None]
    wrong = [
        f"{step} ({utc(at)}) before {earlier} ({utc(before)})"
        for (earlier, before), (step, at) in pairwise(there)
        if at < before
    ]
    future = [f"{step} ({utc(at)}) lies in the future" for step, at in there if at > now + CLOCKS_DIFFER_BY]
    return wrong + future


def review_by(closed: datetime, rules: IncidentRules) -> datetime:
    """Until when the review of an incident takes place."""
    return closed + timedelta(hours=rules.reviewed_within_hours)


def where(environment: Environment) -> str:
    """What was looked at."""
    asked = environment.asked.incident
    return "records of incidents" if asked is None else f"incident {one_line(asked, at_most=80)}"


def _line(kept: Kept[Incident]) -> str:
    one = kept.record
    ended = "open" if one.closed is None else f"closed {utc(one.closed)}"
    severity = one.severity or "severity unknown"
    run = f", green run {one_line(one.green_link)}" if one.green_link else ""
    name = one_line(one.id, at_most=80)
    return f"{name}: {severity}, detected {utc(one.detected)}, {ended}{run} ({kept.file})"


def _is_recent(incident: Incident, since: datetime) -> bool:
    return incident.closed is None or max(incident.closed, incident.detected, incident.when) >= since
