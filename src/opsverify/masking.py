"""Masking: no secret in anything that a person or a file gets to see.

Hidden are the values known to be secret, in every form they occur in, and what looks like a
secret whoever it belongs to: tokens, credentials in addresses, values of secret headers, and the
personal data that the environment names patterns for.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHOWN_INSTEAD = "•••"
SHORTEST = 6
"""Shorter values are not masked: they would blacken ordinary words."""
SHORTEST_SEGMENT = 12
"""Of an address's path: shorter ones are words such as `health`."""

SECRET_HEADERS = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "stripe-signature",
)

_BEGINS = r"(?:\b|(?<=\\[nrt]))"
"""A word begins, also behind a line break that was escaped."""
_HEADER_NAMES = "|".join(SECRET_HEADERS)

LOOKS_SECRET: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    # a JSON Web Token, or the beginning of one that was cut
    (("eyj",), re.compile(rf"{_BEGINS}eyJ[\w-]{{6,}}\.[\w-]*(?:\.[\w-]*)?")),
    # keys of the payment provider
    (
        ("_live_", "_test_", "whsec_"),
        re.compile(rf"{_BEGINS}(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{{6,}}"),
    ),
    # user and password in an address
    (("://",), re.compile(r"(?<=://)[^\s/:@\"']*:[^\s/@\"']+(?=@)")),
    # the value of a secret header, in HTTP, JSON or a dictionary
    (
        ("authorization", "cookie", "api-key", "signature"),
        re.compile(
            rf"(?P<name>{_BEGINS}(?:{_HEADER_NAMES})[\"']?\s*[:=]\s*[\"']?)[^\"'\r\n]+", re.IGNORECASE
        ),
    ),
)
"""What looks like a secret: words without which it cannot occur, in lower case, and its pattern."""


class Masker:
    """Replaces secrets by `•••`. Values can be added while a run goes on, from any thread.

    Args:
        values: what is known to be secret. Of an address it is the password, and the whole.
        patterns: regular expressions of personal data.
    """

    def __init__(self, values: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._known: re.Pattern[str] | None = None
        self.hide(*values)

    def hide(self, *values: str) -> None:
        """Mask these values from now on."""
        forms = {form for value in values for secret in _secrets_in(value) for form in _forms(secret)}
        with self._lock:
            if forms <= self._forms:
                return
            self._forms |= forms
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, longest_first)))

    def mask(self, text: str) -> str:
        """The text without any of the secrets."""
        if self._known is not None:
            text = self._known.sub(SHOWN_INSTEAD, text)
        for pattern in self._patterns:
            text = pattern.sub(SHOWN_INSTEAD, text)
        lower = text.lower()
        for signs, pattern in LOOKS_SECRET:
            if any(sign in lower for sign in signs):
                text = pattern.sub(_hidden, text)
        return text


def _hidden(match: re.Match[str]) -> str:
    return match.groupdict().get("name", "") + SHOWN_INSTEAD


def _secrets_in(value: str) -> Iterator[str]:
    """What is secret in a variable's value: of an address only its password, else all of it."""
    if "://" not in value:
        yield value
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        yield value
        return
    if parts.password:
        yield from (value, parts.password, unquote(parts.password))
    if parts.scheme in {"http", "https"}:
        # the address of a webhook: whoever knows its path may post there
        yield from (segment for segment in parts.path.split("/") if len(segment) >= SHORTEST_SEGMENT)


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < SHORTEST:
        return
    yield from (secret, quote(secret, safe=""), quote_plus(secret))
    escaped = json.dumps(secret)[1:-1]
    # once, and again where a text that holds it is shown as a text
    yield from (escaped, json.dumps(escaped)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (repr(secret)[1:-1], html.escape(secret))
    raw = secret.encode()
    # Inside a longer base64 text a secret starts at one of three offsets; the characters that
    # depend on its neighbours are left out.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        start = (offset * 8 + 5) // 6
        inner = encoded[start : len(encoded) - 4].decode()
        if len(inner) >= SHORTEST:
            yield from (inner, inner.replace("+", "-").replace("/", "_"))
