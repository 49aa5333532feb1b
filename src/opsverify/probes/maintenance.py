"""Maintenance windows as they are on record, and what people have on record for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from opsverify import windows
from opsverify.environment import Environment, Maintenance, RecordsTable
from opsverify.evidence import one_line
from opsverify.looking import Snapshot
from opsverify.records import Book, Kept, Release, Window, book, coming

NONE_AHEAD = "no window that is not over is on record"
PROOFS = ("rollback procedure", "on-call engineer confirmed")
"""What has to be on record for a window."""


@dataclass(frozen=True, kw_only=True)
class Windows(Snapshot):
    """The windows concerned: the next one, the one that a deployment falls into."""

    findings: tuple[str, ...]
    """`window W-7 (minor): lasts 45 min, expected at most 30 min`."""


@dataclass(frozen=True, kw_only=True)
class Readied(Snapshot):
    """What is on record for the next window."""

    missing: tuple[str, ...]
    """`rollback procedure: not on record for window W-7`."""


def maintenance_windows(environment: Environment, maintenance: Maintenance) -> Windows:
    """See the windows concerned: before maintenance the next, before a deployment its own, else both.

    Raises:
        CouldNotLook: the records cannot be read, or no deployment is planned.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    stage = environment.asked.stage
    concerned: dict[str, Kept[Window]] = {}
    found: list[str] = []
    if stage != "pre_deploy":
        ahead = windows.next_or_current(pages.counting(Window, now), now)
        if ahead is None:
            found.append(none_ahead(pages, now))
        else:
            concerned[ahead.record.id] = ahead
    if stage != "pre_maintenance":
        window, wrong = of_deployment(pages, coming(environment, now), now, maintenance.timezone)
        found += wrong
        if window is not None:
            concerned[window.record.id] = window
    for one in concerned.values():
        found += windows.findings(one.record, maintenance.windows, maintenance.timezone, now)
    return Windows(
        where=", ".join(one_line(name) for name in concerned) or "records",
        findings=tuple(found),
        record="; ".join(map(str, concerned.values())) or None,
        evidence=tuple(one.evidence for one in concerned.values()),
    )


def readied(environment: Environment, records: RecordsTable) -> Readied:
    """See what is on record for the next window.

    Raises:
        CouldNotLook: the records cannot be read.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    ahead = windows.next_or_current(pages.counting(Window, now), now)
    if ahead is None:
        return Readied(where="records", missing=(none_ahead(pages, now),))
    proofs = [pages.proof(what, now, window=ahead.record.id) for what in PROOFS]
    kept = [one.kept for one in proofs if one.kept is not None]
    return Readied(
        where=f"window {one_line(ahead.record.id)}",
        missing=tuple(one.missing for one in proofs if one.missing is not None),
        record="; ".join(map(str, kept)) or None,
        evidence=(ahead.evidence, *(one.evidence for one in kept)),
    )


def none_ahead(pages: Book, now: datetime) -> str:
    """That there is no window to come, and why one that stands on record does not count."""
    flaw = _flaw_of(pages, now, [one for one in pages.of(Window) if one.record.ends > now])
    return f"{NONE_AHEAD}{flaw}"


def of_deployment(
    pages: Book, release: Release, now: datetime, timezone: str
) -> tuple[Kept[Window] | None, list[str]]:
    """The window that a planned deployment falls into, and what is wrong with that.

    Args:
        pages: the records.
        release: the one to come.
        now: the present moment; a deployment that is planned for no time is carried out now.
        timezone: for messages.
    """
    name = f"deployment of {one_line(release.name)}"
    planned = release.deployment
    if planned is None:
        return None, [f"{name}: it is not planned on record, so it falls into no window"]
    if planned.record.window is None:
        return None, [f"{name}: {planned.file} names no window"]
    asked = one_line(planned.record.window)
    named = [one for one in pages.of(Window) if one.record.id == planned.record.window]
    counting = windows.newest_of_each(one for one in named if pages.flaw(one, now) is None)
    if not counting:
        return None, [f"{name}: its window {asked} is not on record{_flaw_of(pages, now, named)}"]
    window = counting[0]
    zone = ZoneInfo(timezone)
    moment = planned.record.planned_for or now
    if window.record.starts <= moment < window.record.ends and now < window.record.ends:
        return window, []
    span = f"{windows.local(window.record.starts, zone)} to {windows.local(window.record.ends, zone)}"
    if window.record.ends <= now:
        return window, [f"{name}: its window {asked} is over ({span})"]
    when = "now, " if planned.record.planned_for is None else ""
    why = f"is outside its window {asked} ({span})"
    return window, [f"{name}: {when}{windows.local(moment, zone)}, {why}"]


def _flaw_of(pages: Book, now: datetime, candidates: list[Kept[Window]]) -> str:
    flaws = ((one, pages.flaw(one, now)) for one in candidates)
    return next((f" ({one.file}: {flaw})" for one, flaw in flaws if flaw is not None), pages.unreadable)
