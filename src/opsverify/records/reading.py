"""Reading one record, and saying what is wrong with one that is none."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from opsverify.check import did_you_mean
from opsverify.evidence import one_line
from opsverify.loading import findings
from opsverify.records.incidents import Incident, PostMortem, Roster
from opsverify.records.kinds import (
    Attestation,
    Availability,
    Deployment,
    Drill,
    LoadRun,
    Override,
    Record,
    ReleaseRecord,
    Review,
    Window,
)

AnyRecord = Record | Override
M = TypeVar("M", Record, Override)

KINDS: dict[str, type[AnyRecord]] = {
    model.model_fields["kind"].default: model
    for model in (
        ReleaseRecord,
        Deployment,
        Window,
        Attestation,
        Review,
        Incident,
        PostMortem,
        Roster,
        Drill,
        Override,
        Availability,
        LoadRun,
    )
}
"""Every kind of record by its name."""

AT_MOST_BYTES = 256 * 1024
"""A record is written by hand, or by a command: a larger file is something else."""


class BadRecord(Exception):
    """A record cannot be used; the text names file, key and what was expected."""


def parse(text: bytes, file: str) -> AnyRecord:
    """The record that a file holds.

    Args:
        text: of the file.
        file: its name, for messages.

    Raises:
        BadRecord: it is none; all findings at once.
    """
    file = one_line(file)
    table = _table(text, file)
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        kinds = tuple(KINDS)
        hint = did_you_mean(kind, kinds) if isinstance(kind, str) else "known: " + ", ".join(kinds)
        said = "missing" if kind is None else f"unknown {kind!r}"
        raise BadRecord(f"{file}: kind: {said}, expected the kind of the record ({hint})")
    model = KINDS[kind]
    return _valid(table, file, model) if issubclass(model, Record) else _valid(table, file, Override)


def load_override(path: Path) -> Override:
    """Read a break-glass record.

    Raises:
        BadRecord: it cannot be read, or something is missing in it.
    """
    try:
        return _valid(_table(path.read_bytes(), str(path)), str(path), Override)
    except OSError as error:
        raise BadRecord(f"{path}: {error.strerror}") from None


def _table(text: bytes, file: str) -> dict[str, Any]:
    if len(text) > AT_MOST_BYTES:
        raise BadRecord(f"{file}: {len(text):,} bytes, expected a record of at most {AT_MOST_BYTES:,}")
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(f"{file}: not valid TOML: {error}") from None


def _valid(table: dict[str, Any], file: str, model: type[M]) -> M:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise BadRecord("\n".join(f"{file}: {one}" for one in findings(error, table, model))) from None
