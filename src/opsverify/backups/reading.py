"""Reading a backup to its end: whether it is whole, and which tables are in it."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from opsverify.backups.listing import Backup, declared
from opsverify.backups.manifest import BadManifest, Manifest, parse
from opsverify.backups.plain import PlainScan
from opsverify.backups.tools import Tool, newest
from opsverify.backups.unwrapping import BadBackup, unwrapped
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook
from opsverify.stores import Place, Stored, listing, place_of, read_small

if TYPE_CHECKING:
    from opsverify.environment import BackupKind, Environment

HEAD = 16 * 2**20
"""Bytes at an archive's beginning in which its list of contents stands."""
ENTRY = re.compile(r"^\d+; \d+ \d+ (TABLE DATA|TABLE ATTACH|TABLE) (\S+) (.+) \S+$", re.MULTILINE)
TOOLS_TOO_OLD = re.compile(r"unsupported version \(([\d.]+)\) in file header")
NOT_BUILT_FOR = re.compile(r"does not support compression(?: with (\w+))?|not built with (\w+) support")


@dataclass
class Contents:
    """What a backup was found to hold."""

    made: set[str] = field(default_factory=set)
    """Tables that it makes."""
    filled: set[str] = field(default_factory=set)
    """Tables that it has data of."""
    partitioned: bool = False
    size: int = 0
    """Bytes without the wrapping."""

    def lacks(self, tables: Iterable[str]) -> list[str]:
        """Which of these tables, as `schema.table`, it does not have with their data."""
        enough = self.filled | (self.made if self.partitioned else set())
        bare = {_bare(table) for table in enough}
        return [table for table in tables if _bare(table) not in bare]


@dataclass(frozen=True)
class ReadThrough:
    """What came of reading a backup to its end."""

    flaw: str | None
    """Why it is not whole."""
    contents: Contents
    manifest: Manifest | None
    tool: str
    seconds: float


def _bare(table: str) -> str:
    """A name without the quotes, which not every list of tables writes."""
    return table.replace('"', "")


def in_public(table: str) -> str:
    """A table's name with its schema."""
    return table if "." in table else f"public.{table}"


def manifest_of(environment: Environment, kind: BackupKind, backup: Backup) -> Manifest | None:
    """What was written down with a backup; None when nothing was.

    Raises:
        CouldNotLook: it cannot be read, or is no manifest.
    """
    store = declared(environment).store_of(kind)
    name = kind.manifest.replace("{name}", backup.name)
    for stored in listing(environment, store):
        if stored.name == name:
            text = read_small(place_of(environment, store), stored)
            try:
                return parse(text)
            except BadManifest as error:
                raise CouldNotLook(
                    "backups", f"{one_line(name)} is no manifest: {one_line(str(error))}"
                ) from None
    return None


def read_through(environment: Environment, kind: BackupKind, backup: Backup) -> ReadThrough:
    """Read a backup to its end, once a run.

    Raises:
        CouldNotLook: it cannot be reached, or the tools here cannot read it.
    """
    store = declared(environment).store_of(kind)
    return environment.once(
        f"read {store.endpoint} {store.at} {backup.name}", lambda: _read(environment, kind, backup)
    )


def _read(environment: Environment, kind: BackupKind, backup: Backup) -> ReadThrough:
    noted = manifest_of(environment, kind, backup)
    place = place_of(environment, declared(environment).store_of(kind))
    began = time.monotonic()
    contents = Contents()
    tool = "read as text" if kind.format == "plain" else str(newest("pg_restore"))
    flaw: str | None = None
    try:
        _go_through(place, kind, backup, contents, noted.sha256 if noted else None)
    except BadBackup as error:
        flaw = str(error)
    return ReadThrough(flaw, contents, noted, tool, time.monotonic() - began)


def _go_through(
    place: Place, kind: BackupKind, backup: Backup, contents: Contents, digest: str | None
) -> None:
    if backup.size == 0:
        raise BadBackup("it is empty")
    if kind.format == "directory":
        _read_directory(place, kind, backup, contents)
        return
    hashed = hashlib.sha256()
    pieces = _noted(place.pieces(backup.parts[0]), hashed)
    through = _plain if kind.format == "plain" else _archive
    through(unwrapped(pieces, kind.wrapping), contents)
    if digest not in (None, hashed.hexdigest()):
        raise BadBackup("it is not the file that was written: its digest is another than was noted")


def _noted(pieces: Iterable[bytes], hashed: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        hashed.update(piece)
        yield piece


def _plain(pieces: Iterable[bytes], contents: Contents) -> None:
    scan = PlainScan()
    for piece in pieces:
        scan.feed(piece)
    scan.finish()
    contents.made, contents.filled, contents.size = scan.tables, scan.filled, scan.size


def _archive(pieces: Iterator[bytes], contents: Contents) -> None:
    """An archive that pg_restore reads from a pipe, and throws away."""
    tool = newest("pg_restore")
    head = bytearray()
    with _Restoring([tool.path, "--file=/dev/null"]) as restoring:
        for piece in pieces:
            contents.size += len(piece)
            if len(head) < HEAD:
                head += piece[: HEAD - len(head)]
            restoring.feed(piece)
        if contents.size == 0:
            raise BadBackup("it holds nothing")
        said = restoring.finish()
    judge(tool, said)
    listed = subprocess.run([tool.path, "--list"], input=bytes(head), capture_output=True, check=False)
    judge(tool, listed.stderr.decode(errors="replace") if listed.returncode else None)
    _entries(listed.stdout.decode(errors="replace"), contents)


def _read_directory(place: Place, kind: BackupKind, backup: Backup, contents: Contents) -> None:
    from opsverify.backups.spool import spooled

    tool = newest("pg_restore")
    with spooled(place, kind, backup) as folder:
        for option in ("--file=/dev/null", "--list"):
            done = subprocess.run([tool.path, option, str(folder)], capture_output=True, check=False)
            judge(tool, done.stderr.decode(errors="replace") if done.returncode else None)
            _entries(done.stdout.decode(errors="replace"), contents)
    contents.size = backup.size


def judge(tool: Tool, said: str | None) -> None:
    """What pg_restore's refusal of an archive means.

    Args:
        tool: which one.
        said: what it said when it failed; None: it did not.

    Raises:
        BadBackup: the archive is bad.
        CouldNotLook: the tool cannot read such archives.
    """
    if said is None:
        return
    if newer := TOOLS_TOO_OLD.search(said):
        raise CouldNotLook(
            "backups",
            f"the archive's format {newer[1]} is newer than {tool} can read",
            remedy="Put the pg_restore of the version that made it, or a newer one, on PATH or in PG_BIN.",
        )
    if lacking := NOT_BUILT_FOR.search(said):
        how = lacking[1] or lacking[2] or "that it uses"
        raise CouldNotLook(
            "backups",
            f"{tool} was built without the compression {how}, which the archive uses",
            remedy="Set PG_BIN to a PostgreSQL that has it.",
        )
    lines = [line for line in said.splitlines() if line.strip()] or ["pg_restore failed"]
    first = next((line for line in lines if "error:" in line), lines[0])
    raise BadBackup(f"pg_restore: {one_line(first).partition('error: ')[2] or one_line(first)}")


def _entries(listed: str, contents: Contents) -> None:
    for what, schema, name in ENTRY.findall(listed):
        if what == "TABLE DATA":
            contents.filled.add(f"{schema}.{name}")
        elif what == "TABLE":
            contents.made.add(f"{schema}.{name}")
        elif what == "TABLE ATTACH":
            contents.partitioned = True


class _Restoring:
    """A program that is fed an archive, and what it says of it."""

    def __init__(self, command: list[str]) -> None:
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._said = b""
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._ended = False

    def __enter__(self) -> _Restoring:
        self._listening.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self._child.kill()
        with suppress(OSError):
            self._child.stdin.close()  # type: ignore[union-attr]
        self._child.wait()
        self._listening.join()
        self._child.stderr.close()  # type: ignore[union-attr]

    def feed(self, piece: bytes) -> None:
        """Hand over the next piece; one that has given up takes no more."""
        if not self._ended:
            try:
                self._child.stdin.write(piece)  # type: ignore[union-attr]
            except BrokenPipeError:
                self._ended = True

    def finish(self) -> str | None:
        """What it said, when it failed."""
        with suppress(BrokenPipeError):
            self._child.stdin.close()  # type: ignore[union-attr]
        status = self._child.wait()
        self._listening.join()
        return self._said.decode(errors="replace") if status else None

    def _listen(self) -> None:
        for line in self._child.stderr:  # type: ignore[union-attr]
            if len(self._said) < HEAD:
                self._said += line


def unpacked(archive: Iterable[bytes], into: Path) -> Path:
    """A directory out of its tar file.

    Returns:
        The folder that has the list of contents.

    Raises:
        BadBackup: it is no tar file, is cut off, or there is no dump in it.
    """
    try:
        with tarfile.open(fileobj=_AsFile(archive), mode="r|") as tar:  # type: ignore[call-overload]
            for member in tar:  # its own filter came with Python 3.11.4
                _unpack(tar, member, into)
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(f"its tar file cannot be read: {one_line(str(error))}") from None
    found = next(into.rglob("toc.dat"), None)
    if found is None:
        raise BadBackup("there is no toc.dat in it: it is no dump in directory format")
    return found.parent


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """One plain file, below the folder whatever its name says; links and devices have no place in a dump."""
    file = (into / member.name).resolve()
    data = tar.extractfile(member) if member.isreg() else None
    if data is None:
        return
    if not file.is_relative_to(into.resolve()):
        raise tarfile.TarError(f"a file in it would lie outside: {member.name}")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        shutil.copyfileobj(data, out)


class _AsFile:
    """Pieces as a file that can only be read on."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """The next bytes; fewer at the end."""
        parts, have = [self._rest], len(self._rest)
        while have < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def stored_as(stored: Stored, backup: Backup) -> str:
    """The name of a part below its backup's folder."""
    return stored.name.removeprefix(f"{backup.name}/")
