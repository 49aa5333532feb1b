"""Masking: no secret of the environment in anything that a person or a file gets to see."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHOWN_INSTEAD = "•••"
SHORTEST = 6
"""Shorter values are not masked: they would blacken ordinary words."""


class Masker:
    """Replaces secrets, in the forms they occur in, by `•••`."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values for secret in _secrets_in(value) for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def mask(self, text: str) -> str:
        """The text without any of the secrets."""
        return self._pattern.sub(SHOWN_INSTEAD, text) if self._pattern else text


def _secrets_in(value: str) -> Iterator[str]:
    """What is secret in a variable's value: of an address only its password, else all of it."""
    if "://" not in value:
        yield value
        return
    try:
        password = urlsplit(value).password
    except ValueError:
        yield value
        return
    if password:
        yield from (value, password, unquote(password))


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < SHORTEST:
        return
    yield from (secret, quote(secret, safe=""), quote_plus(secret))
    raw = secret.encode()
    # Inside a longer base64 text a secret starts at one of three offsets; the characters that
    # depend on its neighbours are left out.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        start = (offset * 8 + 5) // 6
        inner = encoded[start : len(encoded) - 4].decode()
        if len(inner) >= SHORTEST:
            yield inner
