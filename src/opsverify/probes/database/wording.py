"""Figures and statements in findings: short, and without what someone may have written into a statement."""

from __future__ import annotations

import re

from opsverify.evidence import one_line

SHOWN_AT_MOST = 120
"""Characters of a statement in a finding."""

_DIGITS = re.compile(r"\d{3,}")
_QUOTED = re.compile(r"'|\$\w*\$(?!\d)")


def statement(text: str) -> str:
    """A statement as it may be shown: cut before its first text literal, long numbers replaced.

    The text of a statement can hold passwords, tokens and personal data; its beginning says which it is.
    """
    literal = _QUOTED.search(text)
    kept = text if literal is None else f"{text[: literal.start()]}'…'"
    return one_line(_DIGITS.sub("…", kept), at_most=SHOWN_AT_MOST)


def age(seconds: float) -> str:
    """`45 s`, `12 min`, `5.0 h`, `9.3 days`."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}" if unit != "min" else f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(number: float) -> str:
    """`3.2 MB`."""
    for unit, length in (("GB", 1024**3), ("MB", 1024**2)):
        if number >= length:
            return f"{number / length:.1f} {unit}"
    return f"{number / 1024:.1f} kB"
