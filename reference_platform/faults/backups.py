"""Faults of the backups: those that are not there, and those that do not hold what they should."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import LiteralString

from reference_platform import s3
from reference_platform.backups import BEFORE, FULL, LOGICAL, Sort, copy_of, dump, note
from reference_platform.faults.model import Fault, Verb
from reference_platform.faults.verbs import sql
from reference_platform.repository import PREVIOUS
from reference_platform.state import Platform

EMPTY_GZIP = bytes.fromhex("1f8b08000000000000030300000000000000000000")[:20]
"""What `gzip` makes of nothing: 20 bytes."""


ZLIB = b"\x78\x9c"
"""How compressed rows begin."""
NOTHING_RESTORED = frozenset({"BAK-07[backups]", "BAK-10[backups]", "BAK-11[backups]"})
"""Checks of what was restored."""


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
    """One bit is another, among the compressed rows of the first table."""
    at = was.index(ZLIB) + 12
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


def altered(*changes: LiteralString, options: tuple[str, ...] = ()) -> Callable[[Platform], None]:
    """The newest full dump is of a database in which something else stood than was written down with it."""

    def change(platform: Platform) -> None:
        import psycopg

        file = those_of(platform, FULL)[0]
        beside = file.with_name(f"{file.name}.json")
        noted = beside.read_text(encoding="utf-8")
        with copy_of(platform, file) as dsn:
            with psycopg.connect(dsn, autocommit=True) as session:
                for statement in changes:
                    session.execute(statement)
            file.unlink()
            dump(platform, file, dsn, *FULL.options, *options)
        beside.unlink()
        note(file, noted)

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
        frozenset({"BAK-05[full]", "BAK-06[backups]"}),
        blind=NOTHING_RESTORED,
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
        frozenset({"BAK-05[full]", "BAK-06[backups]"}),
        blind=NOTHING_RESTORED,
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
    Fault(
        "BAK-06",
        "rows lost",
        backups(
            "last night's full dump lacks rows",
            altered("DELETE FROM job_postings WHERE title LIKE 'Data%'"),
        ),
        frozenset({"BAK-06[backups]"}),
    ),
    Fault(
        "BAK-06",
        "missing extension",
        backups(
            "last night's full dump was made without an extension that it needs",
            altered(options=("--exclude-extension=vector",)),
        ),
        frozenset({"BAK-06[backups]", "BAK-11[backups]"}),
    ),
    Fault(
        "BAK-07",
        "old data in a new file",
        backups(
            "last night's full dump is of a copy that is three days old",
            altered("UPDATE job_postings SET posted_at = posted_at - interval '3 days'"),
        ),
        frozenset({"BAK-07[backups]"}),
    ),
    Fault(
        "BAK-10",
        "table missing",
        backups("last night's full dump lacks the subscriptions", without_table(FULL, "subscriptions")),
        frozenset({"BAK-05[full]", "BAK-06[backups]", "BAK-10[backups]", "BAK-11[backups]"}),
    ),
    Fault(
        "BAK-11",
        "column lost",
        backups(
            "last night's full dump lacks a column",
            altered("ALTER TABLE job_postings DROP COLUMN location"),
        ),
        frozenset({"BAK-11[backups]"}),
    ),
    Fault(
        "BAK-14",
        "role without SELECT",
        sql(
            "there is a table that the role may not read",
            do="CREATE TABLE IF NOT EXISTS public.audit_notes (note text)",
            undo="DROP TABLE IF EXISTS public.audit_notes",
        ),
        frozenset({"BAK-14[backups]"}),
        blind=frozenset({"DEP-03[git]"}),  # its schema cannot be dumped either
    ),
    Fault(
        "BAK-13",
        "public bucket",
        Verb(
            "anybody can read the bucket of the weekly dumps",
            partial(s3.open_to_all, it_is=True),
            partial(s3.open_to_all, it_is=False),
        ),
        frozenset({"BAK-13[backups]"}),
        parts=frozenset({s3.NAME}),
    ),
    Fault(
        "BAK-13",
        "versioning off",
        Verb(
            "the bucket of the weekly dumps keeps no versions",
            partial(s3.keep_versions, on=False),
            partial(s3.keep_versions, on=True),
        ),
        frozenset({"BAK-13[backups]"}),
        parts=frozenset({s3.NAME}),
    ),
)
