"""Values inside a JSON document by the keys that lead to them, joined by dots: `page.components.0.status`."""

from __future__ import annotations

import json


class NotThere(Exception):
    """Nothing stands at these keys; the text says how far they lead."""


def document_of(text: bytes) -> object:
    """A JSON document.

    Raises:
        ValueError: it is none, or is nested deeper than Python can follow.
    """
    try:
        found: object = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return found


def value_at(document: object, keys: str) -> object:
    """What stands at these keys; numbers count in lists. No keys: the document itself.

    Raises:
        NotThere: nothing does.
    """
    found = document
    came = ""
    for key in keys.split(".") if keys else ():
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isascii() and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise NotThere(f"there is nothing at {keys}" + (f" (only {came})" if came else ""))
        came = f"{came}.{key}" if came else key
    return found
