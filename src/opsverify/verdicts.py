"""Verdicts of earlier runs of this suite, as their `gate.json` says; what is no such file is passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opsverify.dotted import document_of
from opsverify.environment import Environment
from opsverify.looking import CouldNotLook
from opsverify.moments import utc
from opsverify.records.book import CLOCKS_DIFFER_BY, Book
from opsverify.records.sources import FILES_AT_MOST, bounded

SCHEMA = "inmidst.gate/1"


@dataclass(frozen=True)
class Verdict:
    """What a run said, as far as a later one needs it."""

    stage: str
    decision: str
    decided_at: datetime
    file: str

    def __str__(self) -> str:
        """`weekly.json: weekly go, 2026-11-24 02:00 UTC`."""
        return f"{self.file}: {self.stage} {self.decision}, {utc(self.decided_at)}"


def kept_verdicts(environment: Environment, pages: Book, now: datetime) -> list[Verdict]:
    """The verdicts about this environment that are kept, the newest first.

    Args:
        environment: whose; its records and the folders it names are searched.
        pages: its records.
        now: the present moment; what was decided after it is passed over.

    Raises:
        CouldNotLook: a folder cannot be read.
    """
    table = environment.records
    folders = [environment.beside(folder) for folder in table.verdicts] if table else []
    texts = [*pages.source.files((".json",)), *_gates_below(folders)]
    found = [verdict for file, text in texts if (verdict := read_verdict(text, file, environment.name))]
    made = [one for one in found if one.decided_at <= now + CLOCKS_DIFFER_BY]
    return sorted(made, key=lambda one: one.decided_at, reverse=True)


def read_verdict(text: bytes, file: str, target: str) -> Verdict | None:
    """The verdict of a whole stage about a target; None where a file holds anything else."""
    try:
        table = document_of(text)
    except ValueError:
        return None
    if not isinstance(table, dict) or table.get("schema") != SCHEMA or table.get("target") != target:
        return None
    stage, decision, decided_at = (table.get(key) for key in ("stage", "decision", "decided_at"))
    if not (isinstance(stage, str) and isinstance(decision, str) and isinstance(decided_at, str)):
        return None
    try:
        when = datetime.fromisoformat(decided_at).astimezone(UTC)
        aware = datetime.fromisoformat(decided_at).tzinfo is not None
    except (ValueError, OverflowError):
        return None
    return Verdict(stage, decision, when, file) if aware and table.get("selection") == "stage" else None


def _gates_below(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        if not folder.is_dir():
            raise CouldNotLook("records", f"there is no folder {folder.name} with verdicts")
        try:
            for count, file in enumerate(sorted(folder.rglob("gate.json"))):
                if count > FILES_AT_MOST:
                    raise CouldNotLook("records", f"{folder.name} holds more than {FILES_AT_MOST:,} verdicts")
                if file.is_file() and not file.is_symlink():
                    yield file.relative_to(folder).as_posix(), bounded(file)
        except OSError as error:
            raise CouldNotLook("records", f"{folder.name} cannot be read: {error.strerror}") from None
