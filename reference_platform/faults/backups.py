"""Faults of the backups: those that are not there, and those that do not hold what they should."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reference_platform.backups import BEFORE, FULL, LOGICAL, Sort, dump, note
from reference_platform.faults.model import Fault, Verb
from reference_platform.repository import PREVIOUS
from reference_platform.state import Platform

EMPTY_GZIP = bytes.fromhex("1f8b08000000000000030300000000000000000000")[:20]
"""What `gzip` makes of nothing: 20 bytes."""


def backups(words: str, change: Callable[[Platform], None]) -> Verb:
    """Something is done to the backups; all of them are put back as they were.

    Each file is linked aside, so whoever changes one has to put another in its place.
    """

    def aside(platform: Platform) -> Path:
        return platform.state / "replaced" / "backups"

    def do(platform: Platform) -> None:
        kept = aside(platform)
        if not kept.is_dir():
            shutil.rmtree(half := kept.with_name("backups.half"), ignore_errors=True)
            shutil.copytree(platform.backups, half, copy_function=os.link)
            half.rename(kept)
        change(platform)

    def undo(platform: Platform) -> None:
        kept = aside(platform)
        if kept.is_dir():
            shutil.rmtree(platform.backups)
            shutil.copytree(kept, platform.backups, copy_function=os.link)
            shutil.rmtree(kept)

    return Verb(words, do, undo)


def those_of(platform: Platform, sort: Sort) -> list[Path]:
    """The dumps of a kind, the newest first."""
    beginning, _, ending = sort.name.partition("%")
    return sorted(platform.backups.glob(f"{beginning}*{ending[ending.rindex('S') + 1 :]}"), reverse=True)


def remove(sort: Sort, which: slice) -> Callable[[Platform], None]:
    """Some of a kind are gone, counted from the newest."""

    def change(platform: Platform) -> None:
        for file in those_of(platform, sort)[which]:
            file.unlink()
            file.with_name(f"{file.name}.json").unlink(missing_ok=True)

    return change


def put(sort: Sort, index: int, data: Callable[[bytes], bytes]) -> Callable[[Platform], None]:
    """One of a kind, counted from the newest, is another file."""

    def change(platform: Platform) -> None:
        replace(those_of(platform, sort)[index], data)

    return change


def replace(file: Path, data: Callable[[bytes], bytes]) -> None:
    """A file has other bytes, and its links elsewhere those that they had."""
    was = file.read_bytes()
    file.unlink()
    file.write_bytes(data(was))


def keep_old(platform: Platform) -> None:
    """One that is older than all others is still there."""
    newest = those_of(platform, FULL)[0]
    os.link(newest, FULL.file(platform, datetime.now(UTC) - timedelta(days=120)))


def cut(was: bytes) -> bytes:
    """What is left when the disk was full near the end."""
    return was[: len(was) * 9 // 10]


def flip(was: bytes) -> bytes:
    """One bit is another, among the rows of a table."""
    at = len(was) * 2 // 3
    return was[:at] + bytes([was[at] ^ 0x10]) + was[at + 1 :]


def without_table(sort: Sort, table: str) -> Callable[[Platform], None]:
    """The newest of a kind was made without a table; what was written down with it knows of none."""

    def change(platform: Platform) -> None:
        file = those_of(platform, sort)[0]
        beside = file.with_name(f"{file.name}.json")
        noted = json.loads(beside.read_text(encoding="utf-8"))
        del noted["contents"]
        file.unlink()
        beside.unlink()
        dump(platform, file, platform.settings.dsn, *sort.options, f"--exclude-table={table}")
        note(file, json.dumps(noted))

    return change


def made_for(release: str | None, *, age: timedelta = timedelta(0)) -> Callable[[Platform], None]:
    """The backup before the deployment was made for another release, or longer ago."""

    def change(platform: Platform) -> None:
        file = those_of(platform, BEFORE)[0]
        beside = file.with_name(f"{file.name}.json")
        noted = json.loads(beside.read_text(encoding="utf-8"))
        if release is not None:
            noted |= {"release": release, "window": None}
        older = BEFORE.file(platform, datetime.now(UTC) - age)
        file.rename(older)
        beside.unlink()
        note(older, json.dumps(noted))

    return change


FAULTS = (
    Fault(
        "BAK-01",
        "newest deleted",
        backups("last night's full dump is gone", remove(FULL, slice(1))),
        frozenset({"BAK-01[full]"}),
    ),
    Fault(
        "BAK-01",
        "job stopped",
        backups("the weekly job stopped two weeks ago", remove(LOGICAL, slice(2))),
        frozenset({"BAK-01[logical]"}),
    ),
    Fault(
        "BAK-02",
        "one missing",
        backups("the dump of a day in the middle is missing", remove(FULL, slice(12, 13))),
        frozenset({"BAK-02[full]"}),
    ),
    Fault(
        "BAK-15",
        "old one kept",
        backups("a full dump of 120 days ago is still there", keep_old),
        frozenset({"BAK-15[full]"}),
    ),
    Fault(
        "BAK-04",
        "gzip of nothing",
        backups("last week's logical dump is an empty gzip", put(LOGICAL, 1, lambda _: EMPTY_GZIP)),
        frozenset({"BAK-04[logical]"}),
    ),
    Fault(
        "BAK-16",
        "tenfold",
        backups("yesterday's full dump is ten times as large", put(FULL, 1, lambda was: was * 10)),
        frozenset({"BAK-16[full]"}),
    ),
    Fault(
        "BAK-05",
        "truncated",
        backups("last night's full dump is cut off", put(FULL, 0, cut)),
        frozenset({"BAK-05[full]"}),
    ),
    Fault(
        "BAK-05",
        "empty",
        backups("the newest logical dump is an empty file", put(LOGICAL, 0, lambda _: b"")),
        frozenset({"BAK-05[logical]", "BAK-04[logical]"}),
    ),
    Fault(
        "BAK-05",
        "table missing",
        backups("the newest logical dump lacks the tasks", without_table(LOGICAL, "tasks")),
        frozenset({"BAK-05[logical]"}),
    ),
    Fault(
        "BAK-05",
        "bit flipped",
        backups("a bit of last night's full dump is another", put(FULL, 0, flip)),
        frozenset({"BAK-05[full]"}),
    ),
    Fault(
        "DEP-06",
        "too old",
        backups("the backup before the deployment is two days old", made_for(None, age=timedelta(days=2))),
        frozenset({"DEP-06[backups]"}),
    ),
    Fault(
        "DEP-06",
        "truncated",
        backups("the backup before the deployment is cut off", put(BEFORE, 0, cut)),
        frozenset({"DEP-06[backups]"}),
    ),
    Fault(
        "DEP-06",
        "for another window",
        backups("the backup was made before another deployment", made_for(PREVIOUS)),
        frozenset({"DEP-06[backups]"}),
    ),
)
