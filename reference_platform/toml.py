"""Writing TOML: the standard library only reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date


def dumps(table: Mapping[str, object], *, path: str = "") -> str:
    """A table as TOML text: its values first, then its tables, then its lists of tables.

    Raises:
        TypeError: a value that TOML does not have.
    """
    lines = [f"{_key(name)} = {_value(value)}" for name, value in table.items() if not _is_deep(value)]
    text = "".join(f"{line}\n" for line in lines)
    for name, value in table.items():
        place = f"{path}{_key(name)}"
        if isinstance(value, Mapping):
            text += f"\n[{place}]\n{dumps(value, path=place + '.')}"
        elif isinstance(value, list) and _is_deep(value):
            text += "".join(f"\n[[{place}]]\n{dumps(one, path=place + '.')}" for one in value)
    return text


def _is_deep(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else _value(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            # A JSON string is a TOML basic string, but for one character that JSON leaves as it is.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case date():  # also a datetime
            return value.isoformat()
        case list() | tuple():
            return "[" + ", ".join(_value(one) for one in value) + "]"
        case Mapping():
            return "{" + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + "}"
    raise TypeError(f"TOML has no {type(value).__name__}")
