"""Restoring a dump into a database of one's own, and what the programs say of it."""

from __future__ import annotations

import math
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsverify.backups.plain import PlainScan
from opsverify.backups.reading import judge
from opsverify.backups.tools import newest
from opsverify.backups.unwrapping import BadBackup
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook

BENIGN = (
    r'role ".*" does not exist',
    r'schema "public" already exists',
    r"must be (a )?(member|owner) of .*",
    r"must be able to SET ROLE .*",
    r'unrecognized configuration parameter "transaction_timeout"',
)
"""Errors of a restore that lose no data: owners and rights of roles that belong to another server, what is
there already, and a setting that only newer servers know."""

ERROR = re.compile(r"^(?:pg_restore: error: (?P<own>.*)|(?:psql:.*?: )?(?:ERROR|FATAL):\s+(?P<server>.*))$")
NO_SPACE = "No space left on device"
LOOKED_AT_EVERY = 1.0
"""Seconds between two looks at a restore that runs."""
SAID_AT_MOST = 2**20
HEAD = 4096


@dataclass(frozen=True)
class Said:
    """What a restore came to."""

    errors: tuple[str, ...]
    """That lose data."""
    benign: tuple[str, ...]
    """That are expected, and listed all the same."""


def restore_archive(
    archive: Path,
    login: dict[str, Any],
    *options: str,
    benign: Iterable[str] = (),
    watch: Watch | None = None,
    at_most: float = math.inf,
) -> Said:
    """Restore an archive or a directory by pg_restore.

    Args:
        archive: a file or a folder.
        login: of an empty database.
        options: of pg_restore, beside: `--jobs=2`.
        benign: patterns of errors that are expected, beside those of `BENIGN`.
        watch: is told that it goes on, and may end it.
        at_most: seconds; some that are cut off are read for ever.

    Raises:
        BadBackup: it is no archive, or was not read to an end in that time.
        CouldNotLook: the tool cannot read such archives, or the disk is full.
    """
    tool = newest("pg_restore")
    command = [tool.path, "--no-owner", "--no-privileges", *options, "--dbname", _without_password(login)]
    status, said = _run([*command, str(archive)], login, watch=watch, at_most=at_most)
    if status and "error" in said and not ERRORS_IGNORED.search(said):
        _full(said)
        judge(tool, said)
    return sorted_out(said, benign)


ERRORS_IGNORED = re.compile(r"errors ignored on restore: \d+")
"""What pg_restore says last when it came to the end."""


def restore_plain(
    pieces: Iterable[bytes], login: dict[str, Any], *, benign: Iterable[str] = (), watch: Watch | None = None
) -> Said:
    """Restore a plain dump by psql, which is fed its text.

    Raises:
        BadBackup: it is not whole.
        CouldNotLook: psql cannot be had, or the disk is full.
    """
    tool = newest("psql")
    scan = PlainScan()

    def scanned() -> Iterator[bytes]:
        for piece in pieces:
            scan.feed(piece)
            yield piece
        scan.finish()

    command = [
        tool.path,
        "--no-psqlrc",
        "--quiet",
        "--output=/dev/null",
        "--dbname",
        _without_password(login),
    ]
    _, said = _run(command, login, fed=scanned(), watch=watch)
    return sorted_out(said, benign)


def sorted_out(said: str, benign: Iterable[str] = ()) -> Said:
    """The errors that a restore printed: those that lose data, and those that are expected.

    Raises:
        CouldNotLook: the disk is full.
    """
    _full(said)
    patterns = [re.compile(pattern) for pattern in (*BENIGN, *benign)]
    errors: list[str] = []
    expected: list[str] = []
    for line in said.splitlines():
        if found := ERROR.match(line):
            text = found["own"] or found["server"] or ""
            text = text.removeprefix("could not execute query: ERROR:").strip()
            known = any(pattern.fullmatch(text) for pattern in patterns)
            (expected if known else errors).append(one_line(text))
    return Said(tuple(dict.fromkeys(errors)), tuple(dict.fromkeys(expected)))


@dataclass(frozen=True)
class Watch:
    """Looks after a restore that runs."""

    data: Path | None
    """The server's files, where they are on this machine."""
    at_most: int
    """Bytes that they may take."""
    told: Callable[[int], None] = lambda _: None
    """Is given how many they take now."""

    def look(self) -> None:
        """Measure.

        Raises:
            CouldNotLook: they take too many.
        """
        if self.data is None:
            return
        taken = size_of(self.data)
        self.told(taken)
        if taken > self.at_most:
            raise CouldNotLook(
                "scratch space",
                f"the restored database takes more than the {self.at_most:,} bytes that a drill may",
                remedy="Raise scratch_at_most_gigabytes under [backups].",
            )


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, whatever is removed meanwhile."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += os.lstat(f"{place}/{name}").st_size
    return total


def _run(
    command: list[str],
    login: dict[str, Any],
    *,
    fed: Iterator[bytes] | None = None,
    watch: Watch | None = None,
    at_most: float = math.inf,
) -> tuple[int, str]:
    """Run a program to its end; what it says is kept in a file, so that it never waits for a reader."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if fed is None else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, "PGPASSWORD": str(login.get("password", "")), "LC_ALL": "C", "PGTZ": "UTC"},
        )
        try:
            if fed is not None:
                _feed(child, fed, watch)
            ends = time.monotonic() + at_most
            while True:
                if time.monotonic() > ends:
                    raise BadBackup(f"it was not read to an end in {at_most:g} s")
                try:
                    child.wait(LOOKED_AT_EVERY)
                    break
                except subprocess.TimeoutExpired:
                    if watch is not None:
                        watch.look()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            if child.stdin is not None:
                with suppress(OSError):
                    child.stdin.close()
        said.seek(0)
        return child.returncode, said.read(SAID_AT_MOST).decode(errors="replace")


def _feed(child: subprocess.Popen[bytes], fed: Iterator[bytes], watch: Watch | None) -> None:
    assert child.stdin is not None  # noqa: S101 - it was asked for
    looked = time.monotonic()
    with suppress(BrokenPipeError):
        for piece in fed:
            child.stdin.write(piece)
            if watch is not None and time.monotonic() - looked > LOOKED_AT_EVERY:
                looked = time.monotonic()
                watch.look()
        child.stdin.close()


def _without_password(login: dict[str, Any]) -> str:
    from psycopg.conninfo import make_conninfo

    return make_conninfo(**{key: value for key, value in login.items() if key != "password"})


def _full(said: str) -> None:
    if NO_SPACE in said:
        raise CouldNotLook(
            "scratch space", "the disk is full", remedy="Set TMPDIR to a folder on a larger disk."
        )


__all__ = ["BENIGN", "BadBackup", "Said", "Watch", "restore_archive", "restore_plain", "sorted_out"]
