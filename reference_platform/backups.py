"""The platform's backups: real dumps, a history of them, and what is written down with each.

Its history is one dump under many names, a name for each period of the retention.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsverify.backups.manifest import manifest
from reference_platform import postgres, s3
from reference_platform.processes import Failed
from reference_platform.records.deployments import WINDOW
from reference_platform.registry import write_at_once
from reference_platform.repository import NEXT
from reference_platform.state import Platform

if TYPE_CHECKING:
    import psycopg

DAYS = 30
"""Of full dumps."""
WEEKS = 13
"""Of logical dumps: ninety days."""
OFFSITE = 5
"""Weekly dumps in the object store."""
DUMPED_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Sort:
    """Dumps of one kind, as environments/local.toml declares them."""

    name: str
    """As strftime takes it."""
    options: tuple[str, ...]

    def file(self, platform: Platform, at: datetime) -> Path:
        """Where one of that moment lies."""
        return platform.backups / at.strftime(self.name)


FULL = Sort("backup-%Y%m%d-%H%M%S.dump", ("--format=custom",))
LOGICAL = Sort("midst-%Y%m%d-%H%M%S.sql.gz", ("--format=plain", "--compress=6"))
BEFORE = Sort("pre-deploy-%Y%m%d-%H%M%S.dump", FULL.options)
"""Before a deployment."""


@contextmanager
def making(platform: Platform) -> Iterator[None]:
    """The first dumps are made while the block runs; at its end they are there, and their history.

    Raises:
        Failed: pg_dump did; with what it said.
    """
    with _snapshot(platform) as (session, snapshot):
        now = datetime.now(UTC).replace(microsecond=0)
        dumps = [_begin(platform, sort, now, snapshot, platform.settings.dsn) for sort in (FULL, LOGICAL)]
        try:
            noted = manifest(session, now)
            yield
            for dump in dumps:
                dump.finish()
        except BaseException:
            for dump in dumps:
                dump.give_up()
            raise
    for sort, period, times in ((FULL, timedelta(days=1), DAYS), (LOGICAL, timedelta(days=7), WEEKS)):
        newest = sort.file(platform, now)
        note(newest, noted)
        for one in range(1, times + 1):
            earlier = sort.file(platform, now - one * period)
            os.link(newest, earlier)
            os.link(
                _manifest_of(newest), _manifest_of(earlier)
            )  # else it would be counted against today's rows
    if s3.NAME in platform.settings.parts:
        weeks = [LOGICAL.file(platform, now - one * timedelta(days=7)) for one in range(OFFSITE)]
        s3.upload(platform, *weeks)
    change = BEFORE.file(platform, now)
    os.link(FULL.file(platform, now), change)
    note(change, noted, release=NEXT, window=WINDOW)


def back_up(platform: Platform, release: str | None = None) -> Path:
    """Dump the database, as a custom archive for a deployment, with what is in it.

    Raises:
        Failed: pg_dump did; with what it said.
    """
    with _snapshot(platform) as (session, snapshot):
        now = datetime.now(UTC).replace(microsecond=0)
        dump = _begin(platform, BEFORE, now, snapshot, platform.settings.dsn)
        try:
            noted = manifest(session, now)
            dump.finish()
        except BaseException:
            dump.give_up()
            raise
    note(dump.file, noted, release=release)
    return dump.file


def dump(platform: Platform, file: Path, dsn: str, *options: str) -> None:
    """Dump a database as a file.

    Raises:
        Failed: pg_dump did; with what it said.
    """
    one = _Dump(file, _pg_dump(platform, file, dsn, *options))
    try:
        one.finish()
    except BaseException:
        one.give_up()
        raise


@contextmanager
def copy_of(platform: Platform, archive: Path) -> Iterator[str]:
    """A database beside the platform's own, restored from a dump, for as long as the block lasts.

    Returns:
        Its connection string, of a role that may do anything in it.
    """
    with postgres.admin(platform) as session:
        session.execute("DROP DATABASE IF EXISTS altered")
        session.execute("CREATE DATABASE altered")
        dsn = platform.settings.admin_dsn.rpartition("/")[0] + "/altered"
        try:
            subprocess.run(
                [postgres.programs(platform) / "pg_restore", f"--dbname={dsn}", archive],
                check=True,
                capture_output=True,
            )
            yield dsn
        finally:
            session.execute("DROP DATABASE IF EXISTS altered WITH (FORCE)")


def note(file: Path, noted: str, **more: str | None) -> None:
    """Write beside a dump what is in it, its size and its digest."""
    found: dict[str, Any] = json.loads(noted)
    found |= {key: value for key, value in more.items() if value is not None}
    found |= {"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    write_at_once(_manifest_of(file), json.dumps(found, indent=1) + "\n")


def _manifest_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


@dataclass(frozen=True)
class _Dump:
    file: Path
    child: subprocess.Popen[str]

    def finish(self) -> None:
        _, said = self.child.communicate(timeout=DUMPED_WITHIN_SECONDS)
        if self.child.returncode != 0:
            raise Failed(f"pg_dump failed:\n{said}")

    def give_up(self) -> None:
        self.child.kill()
        with suppress(ValueError):  # it was waited for already
            self.child.communicate()
        self.file.unlink(missing_ok=True)


@contextmanager
def _snapshot(platform: Platform) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A session, and the name of what it sees: a dump that is given it sees the same."""
    import psycopg

    with psycopg.connect(platform.settings.dsn, application_name="backup") as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = session.execute("SELECT pg_export_snapshot()").fetchone()
        yield session, str(row[0]) if row else ""


def _begin(platform: Platform, sort: Sort, at: datetime, snapshot: str, dsn: str) -> _Dump:
    file = sort.file(platform, at)
    return _Dump(file, _pg_dump(platform, file, dsn, f"--snapshot={snapshot}", *sort.options))


def _pg_dump(platform: Platform, file: Path, dsn: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [postgres.programs(platform) / "pg_dump", *options, f"--file={file}", dsn],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
