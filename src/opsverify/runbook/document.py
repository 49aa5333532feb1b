"""What a runbook consists of: its sections, items and links.

An item is what somebody does, ticks or goes by: a checkbox, a row of a table, a numbered step, a
bullet, a command of a code block, a whole block, or a sentence with a figure. Its digest is that
of its words: spaces, emphasis and ticks do not count.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

Kind = Literal["checkbox", "row", "step", "bullet", "command", "block", "figure"]
KINDS: tuple[Kind, ...] = get_args(Kind)
IN_ORDER: frozenset[Kind] = frozenset({"step", "command"})
"""Kinds whose order says what is done first."""


@dataclass(frozen=True)
class Item:
    """One thing that the runbook says."""

    anchor: str
    """Of the section it stands in; empty before the first heading."""
    kind: Kind
    ordinal: int
    """From 1, among those of its kind in its section."""
    text: str = field(repr=False)
    line: int

    @property
    def digest(self) -> str:
        """Of its words."""
        return digest_of(self.text)


@dataclass(frozen=True)
class Link:
    """A link of the runbook."""

    target: str
    """Its address, with its parts percent-encoded."""
    line: int


@dataclass(frozen=True)
class Document:
    """A runbook, read."""

    sections: tuple[str, ...]
    """Anchor of each heading, in order."""
    anchors: frozenset[str]
    """All that a link into it can lead to: the headings, and anchors made by hand."""
    items: tuple[Item, ...]
    links: tuple[Link, ...]
    updated: date | None
    """The day that its head names as that of its last change."""


def digest_of(text: str) -> str:
    """Digest of words, 16 hexadecimal digits, however they are spaced and composed."""
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(words.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def slug_of(heading: str) -> str:
    """The anchor of a heading's text, as GitHub derives it: letters, digits, `_` and `-` are left."""
    return "".join(letter for letter in heading.strip().lower() if _stays(letter)).replace(" ", "-")


def _stays(letter: str) -> bool:
    category = unicodedata.category(letter)
    return letter in "- " or category[0] in "LM" or category in {"Nd", "Nl", "Pc"}


class Slugs:
    """Anchors of one document: the second of the same text gets `-1`, as on GitHub."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def next(self, slug: str) -> str:
        """The anchor of the next heading with this slug."""
        anchor = slug
        while anchor in self._times:
            self._times[slug] += 1
            anchor = f"{slug}-{self._times[slug]}"
        self._times[anchor] = 0
        return anchor
