"""Reading an environment file, and saying what is wrong with it so that it can be mended.

Every error names the file, the key, what was expected and the nearest key that exists. Values
are never repeated: one of them may be a secret put in the wrong place.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from opsverify.environment import Asked, Environment

EXPECTED = {
    "protected": "true (production: nothing is written) or false",
    "health": 'a path such as "/health", or false when the service has none',
    "ready": 'a path such as "/ready", or false when the service has none',
    "metrics": 'a path such as "/metrics", or false when the service has none',
    "dsn_from": "the NAME of a variable (the connection string itself never stands in this file)",
    "url_from": "the NAME of a variable (the address itself never stands in this file)",
    "schema": "1",
    "name": "lower-case letters, digits, '.', '_' and '-'",
    "until": "a date (2027-03-31) or a time with its zone (2027-03-31T06:00:00Z)",
    "owner": "who answers for it",
    "reason": "why",
    "who": "who answers for it",
    "why": "the reason",
    "ticket": "where it is written down",
    "check": "the id of a check, such as HLT-02",
}
"""What a key wants, where the type alone does not say it."""

EXPECTED_BY_ERROR = {
    "timezone_aware": "a time with its zone (2027-03-31T06:00:00Z)",
    "datetime_from_date_parsing": "a time with its zone (2027-03-31T06:00:00Z)",
    "datetime_parsing": "a time with its zone (2027-03-31T06:00:00Z)",
    "string_too_short": "some text",
}
"""The same by pydantic's name of an error, whose own words do not say it."""


class BadEnvironment(Exception):
    """An environment file cannot be used; the text is for the person who mends it."""


def load(path: Path, asked: Asked | None = None) -> Environment:
    """Read and validate an environment file.

    Args:
        path: the file.
        asked: what the run is asked for.

    Raises:
        BadEnvironment: it cannot be read, is no TOML or breaks the model; all findings at once.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise BadEnvironment(f"{path}: nested too deeply") from None
    except FileNotFoundError:
        raise BadEnvironment(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadEnvironment(f"{path}: byte {error.start} is not UTF-8, expected a TOML file") from None
    except OSError as error:
        raise BadEnvironment(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadEnvironment(f"{path}: not valid TOML: {error}") from None
    try:
        return Environment.model_validate(table, context={"file": path, "asked": asked})
    except ValidationError as error:
        raise BadEnvironment(
            "\n".join(f"{path}: {finding}" for finding in findings(error, table, Environment))
        ) from None


def find(named: str, folder: Path) -> Path:
    """The file that `--env=NAME|PATH` means: a path when it has a slash or ends in .toml.

    Args:
        named: what the user wrote. A relative path counts from the current folder.
        folder: where files are found by name.

    Raises:
        BadEnvironment: there is none of that name.
    """
    if os.sep in named or "/" in named or named.endswith(".toml"):
        return Path(named).absolute()
    path = folder / f"{named}.toml"
    if not path.is_file():
        names = sorted(one.stem for one in folder.glob("*.toml"))
        near = get_close_matches(named, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(names)
        raise BadEnvironment(
            f"no environment named {named!r} in {folder.name}/ ({hint}); a path has a / or ends in .toml"
        )
    return path


def findings(error: ValidationError, table: dict[str, Any], model: type[BaseModel]) -> Iterator[str]:
    """What is wrong with a file, a phrase each: where, what was expected, the nearest key."""
    seen: set[str] = set()
    for one in error.errors(include_input=False, include_url=False):
        finding = _finding(one["loc"], one["type"], one["msg"], table, model)
        if finding not in seen:
            seen.add(finding)
            yield finding


def _finding(
    place: tuple[int | str, ...], kind: str, message: str, table: dict[str, Any], model: type[BaseModel]
) -> str:
    place = tuple(part for part in place if not _is_union_member(part))
    key = str(place[-1]) if place else ""
    where = _readable(place, table)
    expected = EXPECTED.get(key)
    if kind == "extra_forbidden":
        return f"{where}: unknown key ({_nearest(place, model)})"
    if kind == "missing":
        return f"{where}: missing, expected {expected or 'a value'}"
    words = message.removeprefix("Value error, ").removeprefix("Input should be ")
    if not where:
        return words
    if kind == "value_error":
        return f"{where}: {words}"
    return f"{where}: expected {expected or EXPECTED_BY_ERROR.get(kind, words)}"


def _is_union_member(part: int | str) -> bool:
    """Whether pydantic put the member of a union into the place: it says nothing to a reader."""
    return isinstance(part, str) and (part in {"str", "bool", "date", "datetime"} or "[" in part)


def _readable(place: tuple[int | str, ...], table: object) -> str:
    """`services.api.health`: a member of a list by its name, or by its number from 1."""
    words: list[str] = []
    for part in place:
        if isinstance(table, list) and isinstance(part, int) and part < len(table):
            table = table[part]
            name = table.get("name") if isinstance(table, dict) else None
            words.append(name if isinstance(name, str) else f"#{part + 1}")
        else:
            table = table.get(part) if isinstance(table, dict) else None
            words.append(str(part))
    return ".".join(words)


def _nearest(place: tuple[int | str, ...], model: type[BaseModel]) -> str:
    *parents, key = place
    known = _keys_at(model, parents)
    near = get_close_matches(str(key), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else "known here: " + ", ".join(known)


def _keys_at(model: type[BaseModel], place: list[int | str]) -> list[str]:
    """The keys that the model knows at a place of the file."""
    for part in place:
        if isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        inner = _model_in(fields[part].annotation) if part in fields else None
        if inner is not None:
            model = inner
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {tuple, dict, Union, UnionType}:
        return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)
    return None
