"""A post-mortem's Markdown as a document: its title, its labels, its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from opsverify.evidence import one_line
from opsverify.records.reading import AT_MOST_BYTES, BadRecord

_SECTIONS = frozenset({"summary", "timeline", "root cause", "impact", "action items", "lessons learned"})
_OF_HEAD = frozenset({"date", "duration", "severity", "incident commander", "commander", "incident"})
OF_IMPACT = frozenset({"users affected", "users", "revenue impact", "revenue", "data loss"})
OF_LESSONS = frozenset({"what went well", "what could improve"})

# Every run in these is bounded: a line may be as long as a record, and hold nothing but spaces.
_TITLE = re.compile(
    r"^#{1,6}[ \t]{0,8}\*{0,3}incident[ \t]{1,8}post-?[ \t]?mortem\b\*{0,3}[ \t]{0,8}:?(.*)$", re.IGNORECASE
)
_SECTION = re.compile(r"^#{1,6}(.*)$")
_LABEL = re.compile(
    r"^[ \t]{0,8}(?:[-*+][ \t]{1,8})?\*{0,3}([A-Za-z][A-Za-z ]{0,40}?)[ \t]{0,8}\*{0,3}[ \t]{0,8}:(.*)$"
)
_FENCE = re.compile(r"^[ \t]{0,8}(```|~~~)")


@dataclass(frozen=True)
class Document:
    """A filled-in template, section by section."""

    title: str
    labels: dict[str, str]
    """Of its head, in lower case."""
    sections: dict[str, list[str]]
    zone: tzinfo

    def section(self, name: str) -> list[str]:
        """The lines below a heading."""
        return self.sections.get(name, [])


def has_title(text: str) -> bool:
    """Whether a document has the template's first heading, outside of code."""
    return any(_TITLE.match(line) for line, in_code in _with_code(text.splitlines()) if not in_code)


def read(text: bytes, file: str) -> Document:
    """Take a document apart.

    Raises:
        BadRecord: it is too large, not UTF-8, no post-mortem, or its times are in an unknown time zone.
    """
    if len(text) > AT_MOST_BYTES:
        raise BadRecord(f"{file}: {len(text):,} bytes, expected a record of at most {AT_MOST_BYTES:,}")
    try:
        plain = _without_comments(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadRecord(f"{file}: byte {error.start} is not UTF-8, expected a Markdown document") from None
    title: str | None = None
    head: list[str] = []
    sections: dict[str, list[str]] = {}
    zone: tzinfo = UTC
    lines = head
    for line, in_code in _with_code(plain.splitlines()):
        found = None if in_code else _TITLE.match(line)
        if title is None:
            title = found[1].strip(" \t#*") if found else None
            continue
        if found:
            break  # another one in the same file: the first counts
        heading = None if in_code else _SECTION.match(line)
        name, _, zone_name = (heading[1].strip("*# \t") if heading else "").partition("(")
        name = name.strip("*: ").casefold()
        if name not in _SECTIONS:
            lines.append(line)
            continue
        lines = sections.setdefault(name, [])
        if name == "timeline":
            zone = _zone(zone_name.strip("*:) "), file)
    if title is None:
        raise BadRecord(f"{file}: no heading 'Incident Post-Mortem: …', expected the runbook's template")
    return Document(title or file, labels(head, _OF_HEAD), sections, zone)


def _without_comments(text: str) -> str:
    """A document without what only its source shows."""
    kept = []
    while True:
        before, begun, rest = text.partition("<!--")
        kept.append(before)
        _, ended, text = rest.partition("-->")
        if not ended:
            return "".join([*kept, begun, rest])


def _with_code(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Lines, and whether each is part of a block of code."""
    inside = False
    for line in lines:
        fence = _FENCE.match(line) is not None
        yield line, inside or fence
        inside ^= fence


def _zone(name: str, file: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name.casefold() in {"", "utc", "gmt", "z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRecord(
            f"{file}: Timeline: unknown time zone {one_line(name)!r}, expected times in UTC"
        ) from None


def labels(lines: list[str], known: frozenset[str]) -> dict[str, str]:
    """What stands behind each known `Label:`. Lines that follow belong to it, up to an empty one."""
    found: dict[str, str] = {}
    last: str | None = None
    for line in lines:
        label = _LABEL.match(line)
        if label is not None and label[1].casefold() in known:
            last = label[1].casefold()
            found[last] = label[2].strip("* \t")
        elif last is not None and line.strip():
            found[last] = f"{found[last]} {line.strip()}".strip()
        elif last is not None and found[last]:
            last = None
    return found
