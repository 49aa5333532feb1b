"""Slugs: a person's name as a part of an address."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60


def slug_of(name: str) -> str:
    """The slug of a name: `zoe-kruger` for `Zoë Krüger`, empty when nothing of it can stand in an address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:LONGEST].rstrip("-")
