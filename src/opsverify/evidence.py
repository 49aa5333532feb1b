"""Evidence: what was asked and answered, as text that is safe to show.

Everything that comes from a target is hostile: control characters would move a terminal's
cursor, a line of many megabytes would drown a report. `harmless` makes it plain text, cut with
its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHOWN_AT_MOST = 4_000
"""Characters of one text from a target that are kept as evidence."""

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True)
class Evidence:
    """One attachment of the report."""

    name: str
    text: str = ""
    data: bytes | None = None
    """What is no text, in place of it: a picture."""
    media_type: str = "text/plain"


def harmless(raw: bytes | str, *, at_most: int = SHOWN_AT_MOST) -> str:
    """Text from a target as plain text: control characters escaped, cut with its length.

    Line breaks and tabs stay. Bytes that are not UTF-8 become replacement characters.
    """
    size = len(raw)
    unit = "bytes" if isinstance(raw, bytes) else "characters"
    kept = raw[: at_most * 4] if isinstance(raw, bytes) else raw[:at_most]
    text = kept.decode("utf-8", errors="replace") if isinstance(kept, bytes) else kept
    shown = _CONTROL.sub(_escaped, text[:at_most].replace("\r\n", "\n"))
    return shown if size <= at_most else f"{shown}… (cut, {size:,} {unit} in all)"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def one_line(raw: bytes | str, *, at_most: int = 200) -> str:
    """The same on one line, for messages."""
    return " ".join(harmless(raw, at_most=at_most).split())
