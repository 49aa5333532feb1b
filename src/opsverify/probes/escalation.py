"""Who can be called, how soon they answer, and who is on call now: the roster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsverify.environment import Environment, EscalationRules, RecordsTable
from opsverify.evidence import one_line
from opsverify.looking import Snapshot
from opsverify.moments import utc
from opsverify.records import Contact, Kept, Roster, Shift, book
from opsverify.records.incidents import is_nobody


@dataclass(frozen=True, kw_only=True)
class Escalation(Snapshot):
    """Whether the roster says whom to call, by when they answer, and who is on call now."""

    missing: tuple[str, ...]
    """`payment issues: no secondary contact`; `nobody is on call now (the next shift starts …)`."""


def escalation(environment: Environment, records: RecordsTable) -> Escalation:
    """See what the newest roster that counts does not say.

    Raises:
        CouldNotLook: the records cannot be read.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    rules = records.escalation
    flawed = [(one, pages.flaw(one, now)) for one in pages.of(Roster)]
    counting = [one for one, flaw in flawed if flaw is None]
    bad = pages.bad_of(Roster)
    if not counting:
        why = [f"{one.file}: {flaw}" for one, flaw in flawed] or ["no roster is on record"]
        return Escalation(where="roster", missing=(*bad, *why))
    roster: Kept[Roster] = counting[0]
    return Escalation(
        where=f"roster {roster.file}",
        missing=(*bad, *gaps(roster.record, rules, now)),
        record=str(roster),
        evidence=(roster.evidence,),
    )


def gaps(roster: Roster, rules: EscalationRules, now: datetime) -> list[str]:
    """What a roster does not say.

    Args:
        roster: the record.
        rules: of the environment.
        now: the present moment.
    """
    contacts = {_plain(kind): contact for kind, contact in roster.contacts.items()}
    found = [
        f"{kind}: {one}"
        for kind, minutes in rules.within_minutes.items()
        for one in _of_contact(contacts.get(_plain(kind)), minutes)
    ]
    named = {_address(channel) for channel in roster.channels}
    found += [
        f"channel {channel} is not named" for channel in rules.channels if _address(channel) not in named
    ]
    own = [shift for shift in roster.shifts if _plain(shift.role) == _plain(rules.role)]
    if not any(_covers(shift, now) and not is_nobody(shift.who) for shift in own):
        found.append(_nobody(own, rules.role, now))
    return found


def within(text: str) -> timedelta | None:
    """A time to answer: `15 min`, `1 h 30 min`, `24 hours`, `immediate`; None when it is none."""
    plain = " ".join(text.casefold().split())
    if plain.rstrip(".") in {"immediate", "immediately", "at once", "now"}:
        return timedelta()
    if not _WITHIN.fullmatch(plain):
        return None
    parts = _PART.findall(plain)
    return sum((timedelta(minutes=float(number) * _MINUTES[unit[0]]) for number, unit in parts), timedelta())


_UNIT = r"days?|d|hours?|hrs?|h|minutes?|mins?|m"
_PART = re.compile(rf"(\d{{1,6}}(?:\.\d+)?)\s*({_UNIT})\b")
_WITHIN = re.compile(rf"(?:(?:within|in|<|≤)\s*)?(?:\d{{1,6}}(?:\.\d+)?\s*(?:{_UNIT})\b[\s,.]*)+")
_MINUTES = {"d": 24 * 60, "h": 60, "m": 1}


def _of_contact(contact: Contact | None, minutes: float) -> Iterator[str]:
    if contact is None:
        yield "no contacts"
        return
    primary, secondary = is_nobody(contact.primary), is_nobody(contact.secondary)
    if primary:
        yield "no primary contact"
    if secondary:
        yield "no secondary contact"
    if not primary and not secondary and _plain(str(contact.primary)) == _plain(str(contact.secondary)):
        yield f"primary and secondary contact are the same ({one_line(str(contact.primary))})"
    expected = _words(minutes)
    if contact.within is None or not contact.within.strip():
        yield f"no response time, expected {expected}"
        return
    time = within(contact.within)
    shown = one_line(contact.within, at_most=40)
    if time is None:
        yield f"response time {shown!r} is none, expected {expected}"
    elif time > timedelta(minutes=minutes):
        yield f"response time {shown}, expected {expected}"


def _nobody(shifts: list[Shift], role: str, now: datetime) -> str:
    """That nobody is on call, and what is nearest on the roster."""
    placeholders = [one for one in shifts if _covers(one, now)]
    if placeholders:
        return f"no named {role} is on call now ({one_line(placeholders[0].who, at_most=40)!r} is no name)"
    ended = max((one.ends for one in shifts if one.starts < one.ends <= now), default=None)
    starts = min((one.starts for one in shifts if now < one.starts < one.ends), default=None)
    around = [
        *([] if ended is None else [f"the last shift ended {utc(ended)}"]),
        *([] if starts is None else [f"the next starts {utc(starts)}"]),
    ]
    return f"no {role} is on call now ({', '.join(around) or 'the roster has no such shift'})"


def _covers(shift: Shift, now: datetime) -> bool:
    """From its start up to, and without, its end: at a handover the next one is on call."""
    return shift.starts <= now < shift.ends


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split())


def _address(channel: str) -> str:
    return channel.strip().casefold().removeprefix("mailto:").removeprefix("email:").strip()


def _words(minutes: float) -> str:
    if minutes == 0:
        return "immediate"
    return f"{minutes / 60:g} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes:g} min"
