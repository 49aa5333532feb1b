"""Verbs on the platform's records: one is gone, says something else, is signed by another, or is new."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w

from reference_platform.faults.model import Verb
from reference_platform.records import keeping
from reference_platform.state import Platform

Table = dict[str, Any]
ABSENT = b""
"""Kept in place of a file that was not there."""


def without(words: str, *names: str) -> Verb:
    """Records are gone.

    Args:
        words: what is then the case.
        names: their files, below the folder of records.
    """
    return _replaced(words, names, lambda platform, table: None)


def changed(words: str, *names: str, signed_by: str | None = "", **changes: Any) -> Verb:
    """Records say something else; a key that is changed to None is gone.

    Args:
        words: what is then the case.
        names: their files.
        signed_by: who signs the change; nothing: whom the record names; None: nobody.
        changes: new values by key. One that is callable is given platform and record, and returns the value.
    """
    return rewritten(words, *names, how=partial(_with, changes), signed_by=signed_by)


def rewritten(
    words: str, *names: str, how: Callable[[Platform, Table], Table | None], signed_by: str | None = ""
) -> Verb:
    """Records are what a function makes of them; it is given an empty table for one that is not there.

    Args:
        words: what is then the case.
        names: their files.
        how: makes the new record; None: it is gone.
        signed_by: as in `changed`.
    """
    return _replaced(words, names, how, signed_by=signed_by)


def written(words: str, name: str, text: str, *, committed: bool = True) -> Verb:
    """A file among the records holds this text, whatever it is."""

    def do(platform: Platform) -> None:
        _keep_original(platform, name)
        keeping.write(platform, name, text)
        if committed:
            keeping.commit(platform, [name], by=None)

    return Verb(words, do, partial(_restore, names=(name,)))


def _replaced(
    words: str,
    names: tuple[str, ...],
    how: Callable[[Platform, Table], Table | None],
    signed_by: str | None = "",
) -> Verb:
    def do(platform: Platform) -> None:
        for name in names:
            original = _keep_original(platform, name)
            made = how(platform, tomllib.loads(original.decode()))
            if made is None:
                (platform.records / name).unlink(missing_ok=True)
            else:
                keeping.write(platform, name, tomli_w.dumps(made))
            who = str((made or {}).get("who", "release-manager"))
            keeping.commit(platform, [name], by=who if signed_by == "" else signed_by)

    return Verb(words, do, partial(_restore, names=names))


def _with(changes: Table, platform: Platform, table: Table) -> Table:
    new = {key: value(platform, table) if callable(value) else value for key, value in changes.items()}
    return {key: value for key, value in (table | new).items() if value is not None}


def _keep_original(platform: Platform, name: str) -> bytes:
    """The text that a record has when nothing is broken; kept until it is restored."""
    kept = _kept(platform, name)
    if not kept.exists():
        file = platform.records / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(file.read_bytes() if file.exists() else ABSENT)
    return kept.read_bytes()


def _restore(platform: Platform, names: tuple[str, ...]) -> None:
    for name in names:
        kept = _kept(platform, name)
        if not kept.exists():
            continue
        original = kept.read_bytes()
        if original == ABSENT:
            (platform.records / name).unlink(missing_ok=True)
        else:
            keeping.write(platform, name, original.decode())
        table = tomllib.loads(original.decode()) if name.endswith(".toml") else {}
        keeping.commit(platform, [name], by=str(table.get("who", "release-manager")))
        kept.unlink()


def _kept(platform: Platform, name: str) -> Path:
    return platform.state / "replaced" / name
