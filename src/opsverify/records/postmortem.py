"""Post-mortems as Markdown on the runbook's template: written empty, read when filled in.

Headings and labels are those of the template (runbook: post-incident-review-template); around them much is
let pass: bold or not, any level of heading, any kind of dash, more sections, more lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from pydantic import ValidationError

from opsverify.evidence import one_line
from opsverify.records.document import OF_IMPACT, OF_LESSONS, Document, has_title, labels, read
from opsverify.records.incidents import LATEST, Action, Incident, PostMortem, is_blank, is_nobody
from opsverify.records.reading import BadRecord

NOT_NAMED = "not named"
"""Who answers for a post-mortem without a commander."""
UNKNOWN_TIME = datetime(1970, 1, 2, tzinfo=UTC)
"""When a post-mortem without a date is from."""
ROUNDED_BY_MINUTES = 60
"""How far a stated duration may be from the times of the timeline."""

TIMES = {
    "detected": ("Incident detected", r"detect"),
    "acknowledged": ("Acknowledged, investigation started", r"acknowledg"),
    "cause_found": ("Root cause identified", r"cause.{0,80}(identified|found)"),
    "mitigated": ("Mitigation applied", r"mitigat"),
    "restored": ("Service restored", r"restored"),
    "resolved": ("Incident resolved", r"resolved"),
}
"""The timeline: each line's label, and by what another line is known for the same."""

# As in `document`, every run is bounded.
_EVENT = re.compile(
    r"^[ \t]{0,8}(?:[-*+][ \t]{1,8})?[*`]{0,3}(?:(\d{4}-\d{2}-\d{2})[ T]{1,8})?(\d{1,2}):(\d{2})(?::\d{2})?"
    r"(?:[ \t]{0,8}(?:UTC|Z))?[*`]{0,3}[ \t]{0,8}[-–—:]{0,3}(.*)$"
)
_ACTION = re.compile(r"^[ \t]{0,8}[-*+][ \t]{1,8}\[([ xX]?)\](.*)$")
_BEFORE_MARK = r"(?:[ \t]{1,8}[-–—]{1,3}[ \t]{0,8}|[;,|(][ \t]{0,8})\*{0,3}"
_OWNER = re.compile(rf"{_BEFORE_MARK}owner\*{{0,3}}[ \t]{{0,8}}:", re.IGNORECASE)
_DUE = re.compile(rf"{_BEFORE_MARK}due\*{{0,3}}[ \t]{{0,8}}:", re.IGNORECASE)
_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_SEVERITY = re.compile(r"\bSEV[ \t]?-?[ \t]?([1-4])\b(?!\])", re.IGNORECASE)
_DURATION = re.compile(
    r"(\d{1,9}(?:[.,]\d{1,9})?)[ \t]{0,8}(days?|d|hours?|hrs?|h|minutes?|mins?|min|m)(?![A-Za-z])",
    re.IGNORECASE,
)
_MINUTES = {"d": 24 * 60.0, "h": 60.0, "m": 1.0}


def is_post_mortem(text: bytes) -> bool:
    """Whether a Markdown document is one: it has the template's first heading, outside of code."""
    return has_title(text.decode("utf-8-sig", errors="replace"))


def from_markdown(text: bytes, file: str) -> PostMortem:
    """The record that a filled-in template holds; what is still in brackets is missing in it.

    Times belong to the date in the head; one more than twelve hours before the one above it is of the next
    day, and so is one that fits the stated duration only then. A line may name its day itself.

    Args:
        text: of the document.
        file: its name, for messages.

    Raises:
        BadRecord: it is no post-mortem, or a value has not its form; all findings at once.
    """
    document = read(text, file)
    wrong: list[str] = []
    day = _day(document.labels.get("date"), "Date", wrong)
    minutes = _duration(document.labels.get("duration"))
    times = _times(document, day, minutes, wrong)
    commander = _said(document.labels.get("incident commander") or document.labels.get("commander"))
    severity = _SEVERITY.search(document.labels.get("severity") or "")
    named = _said(document.labels.get("incident"))
    actions = tuple(_actions(document.section("action items"), wrong))
    if wrong:
        raise BadRecord("\n".join(f"{file}: {one}" for one in wrong))
    impact = labels(document.section("impact"), OF_IMPACT)
    lessons = labels(document.section("lessons learned"), OF_LESSONS)
    start = None if day is None else datetime.combine(day, time(), UTC)
    try:
        return PostMortem.model_validate(
            {
                "who": NOT_NAMED if commander is None or is_nobody(commander) else commander,
                "when": times.get("resolved") or start or UNKNOWN_TIME,
                "incident": named or document.title,
                "date": day,
                "duration_minutes": minutes,
                "severity": f"SEV{severity[1]}" if severity else None,
                "commander": commander,
                "summary": _prose(document.section("summary")),
                "cause": _prose(document.section("root cause")),
                **times,
                "users": _said(impact.get("users affected") or impact.get("users")),
                "revenue": _said(impact.get("revenue impact") or impact.get("revenue")),
                "data_loss": _said(impact.get("data loss")),
                "actions": actions,
                "went_well": _said(lessons.get("what went well")),
                "could_improve": _said(lessons.get("what could improve")),
            }
        )
    except ValidationError as error:
        found = [f"{file}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise BadRecord("\n".join(found)) from None


def template(incident: Incident | str) -> str:
    """The runbook's template for one incident. What its record knows is filled in, the rest in brackets.

    Args:
        incident: its record, or only its id.
    """
    known = incident if isinstance(incident, Incident) else None
    name = one_line(known.id if known else str(incident))
    day = known.detected.astimezone(UTC).date() if known else None
    events = "".join(f"- {_at(known, field, day)} - {label}\n" for field, (label, _) in TIMES.items())
    impact = one_line(known.impact, at_most=1_000) if known and known.impact else None
    return f"""\
## Incident Post-Mortem: {name}

**Date**: {day or "YYYY-MM-DD"}
**Duration**: {_lasted(known)}
**Severity**: {(known.severity if known else None) or "SEV[1-4]"}
**Incident Commander**: [Name]

### Summary
[What happened, in two or three sentences{f": {impact.replace(']', ')')}" if impact else ""}]

### Timeline (UTC)
{events}
### Root Cause
[Why it happened, technically]

### Impact
- Users affected: [number/percentage]
- Revenue impact: [$X or N/A]
- Data loss: [yes/no, details]

### Action Items
- [ ] [Action 1] - Owner: [Name] - Due: [Date]
- [ ] [Action 2] - Owner: [Name] - Due: [Date]

### Lessons Learned
- What went well: [...]
- What could improve: [...]
"""


def _said(text: str | None) -> str | None:
    return None if is_blank(text) else text


def _prose(lines: list[str]) -> str | None:
    return _said("\n".join(lines).strip() or None)


def _day(text: str | None, label: str, wrong: list[str]) -> date | None:
    if text is None or is_blank(text):
        return None
    found = _DAY.search(text)
    try:
        day = date.fromisoformat(found[1] if found else text)
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year < LATEST.year:
        wrong.append(f"{label}: expected YYYY-MM-DD, not {one_line(text, at_most=40)!r}")
        return None
    return day


def _duration(text: str | None) -> float | None:
    """Minutes; None where nothing says how long it was."""
    if text is None:
        return None
    parts = [
        float(number.replace(",", ".")) * _MINUTES[unit[0].lower()]
        for number, unit in _DURATION.findall(text)
    ]
    clock = re.fullmatch(r"(\d{1,3}):(\d{2})(?::\d{2})?", text.strip())
    if clock is not None:
        return int(clock[1]) * 60.0 + int(clock[2])
    return sum(parts) if parts else None


def _times(
    document: Document, day: date | None, minutes: float | None, wrong: list[str]
) -> dict[str, datetime]:
    """The six times by name."""
    if day is None:
        return {}
    events: list[tuple[datetime, str]] = []
    for line in document.section("timeline"):
        event = _EVENT.match(line)
        if event is None:
            continue
        try:
            own = date.fromisoformat(event[1]) if event[1] else None
            clock = time(int(event[2]), int(event[3]))
        except ValueError:
            wrong.append(f"Timeline: {one_line(line, at_most=60)!r} has no time of a day, expected HH:MM")
            continue
        at = datetime.combine(own or day, clock, document.zone)
        if own is None and events:
            at = _rolled(at, events, minutes)
        events.append((at, event[4].strip().casefold()))
    found: dict[str, datetime] = {}
    for name, (label, known_by) in TIMES.items():
        exact = [at for at, text in events if text.startswith(label.casefold())]
        like = [at for at, text in events if re.search(known_by, text)]
        if exact or like:
            found[name] = (exact or like)[0]
    return found


def _rolled(at: datetime, events: list[tuple[datetime, str]], minutes: float | None) -> datetime:
    """A time on the day on which it was, going by those above it."""
    first, above = events[0][0], events[-1][0]
    at = at.replace(year=above.year, month=above.month, day=above.day)
    tomorrow = at + timedelta(days=1)
    if at >= above:
        return at
    fits = minutes is not None and tomorrow - first <= timedelta(minutes=minutes + ROUNDED_BY_MINUTES)
    return tomorrow if fits or above - at > timedelta(hours=12) else at


def _actions(lines: list[str], wrong: list[str]) -> Iterator[Action]:
    for line in lines:
        found = _ACTION.match(line)
        if found is None:
            continue
        ticked, rest = found[1].strip() != "", found[2].strip()
        what, owner, due = _parts(rest)
        yield Action(
            what=what or "[Action]",
            owner=_said(owner),
            due=_day(due, f"Action Items: {one_line(what, at_most=60)!r}: Due", wrong),
            done=True if ticked else None,
        )


def _parts(rest: str) -> tuple[str, str | None, str | None]:
    """What is to be done, by whom, and until when, whichever of the two comes first."""
    marks = sorted(
        (match.start(), match.end(), name)
        for name, mark in (("owner", _OWNER), ("due", _DUE))
        if (match := mark.search(rest)) is not None
    )
    found: dict[str, str] = {}
    for number, (_, end, name) in enumerate(marks):
        until = marks[number + 1][0] if number + 1 < len(marks) else len(rest)
        found[name] = rest[end:until].strip(" \t-–—;,|()*")
    what = rest[: marks[0][0]] if marks else rest
    return what.strip().strip("*").strip(), found.get("owner"), found.get("due")


def _at(incident: Incident | None, field: str, day: date | None) -> str:
    """A time of the record as the template has it; with its day where that is another."""
    known = {"restored": "recovered", "resolved": "closed"}.get(field, field)
    moment: datetime | None = getattr(incident, known, None)
    if moment is None:
        return "HH:MM"
    moment = moment.astimezone(UTC)
    return f"{moment:%H:%M}" if moment.date() == day else f"{moment:%Y-%m-%d %H:%M}"


def _lasted(incident: Incident | None) -> str:
    if incident is None or incident.closed is None or incident.closed < incident.detected:
        return "X hours Y minutes"
    minutes = round((incident.closed - incident.detected).total_seconds() / 60)
    return f"{minutes // 60} hours {minutes % 60} minutes"
