"""Patterns of keys as Redis has them, compared with bytes: a key need not be text."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(pattern: str, key: bytes) -> bool:
    """Whether a key matches a pattern: `*`, `?`, `[a-c]`, `[^a]`, and a backslash before a sign itself."""
    return _compiled(pattern).fullmatch(key) is not None


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> re.Pattern[bytes]:
    found = []
    rest = pattern
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "*":
            found.append(b".*")
        elif sign == "?":
            found.append(b".")
        elif sign == "\\" and rest:
            found.append(re.escape(rest[0].encode()))
            rest = rest[1:]
        elif sign == "[" and "]" in rest:
            inside, _, rest = rest.partition("]")
            found.append(_class(inside))
        else:
            found.append(re.escape(sign.encode()))
    return re.compile(b"".join(found), re.DOTALL)


def _class(inside: str) -> bytes:
    negated = inside.startswith("^")
    signs = inside.removeprefix("^")
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", signs)
    if not escaped:
        return b"." if negated else b"(?!)"
    return b"[" + (b"^" if negated else b"") + escaped.encode() + b"]"
