"""Names of backups: which belong to a kind, and when each was made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIELDS = {"Y": r"\d{4}", "m": r"\d\d", "d": r"\d\d", "H": r"\d\d", "M": r"\d\d", "S": r"\d\d"}
"""Parts of a moment that a pattern can hold, as strftime writes them."""

DAY = timedelta(days=1)


class BadPattern(ValueError):
    """A pattern of names cannot be used; the text says why."""


@dataclass(frozen=True)
class Named:
    """When a backup was made, as far as its name says it."""

    at: datetime
    """UTC; the beginning of the day where only that is named."""
    whole: bool
    """Whether the time of day is named."""


class Pattern:
    """Names with a date in them: `midst_%Y%m%d_%H%M%S.sql.gz`. A star stands for anything but a slash.

    Raises:
        BadPattern: it names no day, a part twice, or a part that there is not.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts: list[str] = []
        seen: list[str] = []
        for literal in re.findall(r"%.|\*|[^%*]+|%$", text):
            if literal == "*":
                parts.append(r"[^/]*")
            elif literal == "%%":
                parts.append("%")
            elif literal.startswith("%"):
                if literal[1:] not in FIELDS:
                    raise BadPattern(f"expected one of %Y %m %d %H %M %S, found {literal!r}")
                seen.append(literal[1:])
                parts.append(
                    f"(?P<{literal[1:]}>{FIELDS[literal[1:]]})" if seen.count(literal[1:]) == 1 else ""
                )
            else:
                parts.append(re.escape(literal))
        for field in seen:
            if seen.count(field) > 1:
                raise BadPattern(f"%{field} stands twice")
        if not {"Y", "m", "d"} <= set(seen):
            raise BadPattern("expected %Y, %m and %d: a name that says of which day it is")
        self._whole = "H" in seen
        self._regex = re.compile("".join(parts), re.ASCII)

    def read(self, name: str) -> Named | None:
        """When a backup of this name was made; None when it is none of these, or its day is none."""
        found = self._regex.fullmatch(name)
        if found is None:
            return None
        part = {field: int(text) for field, text in found.groupdict().items()}
        try:
            at = datetime(
                part["Y"],
                part["m"],
                part["d"],
                part.get("H", 0),
                part.get("M", 0),
                part.get("S", 0),
                tzinfo=UTC,
            )
        except ValueError:
            return None
        return Named(at, self._whole)


def moment(named: Named, modified: datetime, made_at: timedelta) -> datetime:
    """When a backup was made: by its name; within the day that it names, by its time in the store.

    A name outlives copies, which get a time of their own. Where the store's time lies outside the
    named day, the backup is taken for one made at its usual time of that day.

    Args:
        named: what its name says.
        modified: when it was written to the store.
        made_at: the usual time, from the beginning of the day.
    """
    if named.whole:
        return named.at
    if named.at <= modified < named.at + DAY:
        return modified
    return named.at + made_at
