"""The drill: the newest backup is restored into a scratch server, counted, and timed.

Each drill has a control: a copy that is cut off must be refused by the very programs that restore. If
it is not, the drill itself is broken, and says nothing.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsverify import schema
from opsverify.backups import manifest as manifests
from opsverify.backups.alone import restored_alone
from opsverify.backups.head import differences_from_head
from opsverify.backups.listing import Backup, declared, found
from opsverify.backups.manifest import Contents, Manifest
from opsverify.backups.reading import in_public, manifest_of
from opsverify.backups.restoring import Said, Watch, restore_archive, restore_plain
from opsverify.backups.servers import Servers, scratch_server
from opsverify.backups.spool import room, spooled
from opsverify.backups.tools import newest
from opsverify.backups.unwrapping import BadBackup, unwrapped
from opsverify.backups.versions import origin, refusal
from opsverify.looking import CouldNotLook, telling
from opsverify.migrations import Row, rows_in
from opsverify.stores import PIECE, Place, Stored, place_of

if TYPE_CHECKING:
    from opsverify.environment import BackupKind, Backups, Environment

GIGABYTE = 10**9
CONTROL_ENDS_WITHIN = 10.0
"""Seconds for the copy that is cut off: pg_restore waits for ever on some tar archives."""
CONTROL_AT_MOST = 2**20
"""Bytes of the copy that is cut off: early, so that refusing it is quick."""
OF_THE_RESTORE = ("download", "decompress", "restore", "verify")
"""Phases that are counted as recovery time."""


NOTHING_SAID = Said((), ())
NO_CONTENTS = Contents(tables={})


@dataclass
class Drill:
    """What one drill saw."""

    kind: BackupKind
    backup: Backup
    manifest: Manifest | None
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds, by phase."""
    flaw: str | None = None
    """Why it could not be restored at all."""
    said: Said = NOTHING_SAID
    control: str = ""
    """How the copy that was cut off was refused."""
    contents: Contents = NO_CONTENTS
    newest_rows: dict[str, datetime | None] = field(default_factory=dict)
    """By key table: its newest row; None where it has none. A table that is not there is not in it."""
    schema: schema.Schema = field(default_factory=dict)
    migrations: tuple[Row, ...] | None = None
    """What its state table says; None when it has none."""
    alone: tuple[str, ...] | CouldNotLook = ()
    """What the tables that have to be restorable without the others lack then."""
    beside_head: tuple[str, ...] | CouldNotLook = ()
    """What its schema has otherwise than its migrations make it."""
    words: list[str] = field(default_factory=list)
    """How it went, for the evidence."""

    @property
    def rto_seconds(self) -> float:
        """Time from the first byte to verified data, without the control and the server's start."""
        return sum(self.phases.get(phase, 0) for phase in OF_THE_RESTORE)


def drilled(environment: Environment) -> Drill:
    """Restore the newest full backup, once a run.

    Raises:
        CouldNotLook: it cannot be tried, or its own control failed.
    """
    return environment.once("drill", lambda: _Run(environment).drill())


class _Run:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.backups: Backups = declared(environment)
        self.kind = self.backups.drilled
        seen = found(environment, self.kind, datetime.now(UTC))
        if seen.newest is None:
            raise CouldNotLook(
                "backups", f"of kind {self.kind.name} there is none", remedy="BAK-01 says more."
            )
        self.backup = seen.newest
        self.tell = telling()
        self.seen = Drill(self.kind, self.backup, manifest_of(environment, self.kind, self.backup))

    def drill(self) -> Drill:
        announced = self._room()
        place = _Timed(place_of(self.environment, self.backups.store_of(self.kind)))
        with ExitStack() as stack:
            with self._phase("server start"):
                server = stack.enter_context(scratch_server(self.environment))
            self.seen.words.append(f"restored into {server.words}; {announced:,} bytes announced")
            try:
                self._restore(place, server, stack, announced)
            except BadBackup as error:
                self.seen.flaw = str(error)
        return self.seen

    def _restore(self, place: _Timed, server: Servers, stack: ExitStack, announced: int) -> None:
        watch = Watch(
            server.data, int(self.backups.scratch_at_most_gigabytes * GIGABYTE), self._progress(announced)
        )
        if self.kind.format == "plain":
            archive, head = None, _head(self._text(place))
        else:
            with self._phase("decompress"):
                archive = stack.enter_context(spooled(place, self.kind, self.backup, self._fetched))
            self.seen.phases["download"] = place.seconds
            self.seen.phases["decompress"] -= place.seconds
            head = _listed(archive)
        self._refuse(head, server)
        control = server.make("control")
        with self._phase("control"):
            self.seen.control = self._control(archive, place, control)
        login = server.make("restored")
        place.seconds = 0
        with self._phase("restore"):
            benign = self.backups.benign
            if archive is None:
                self.seen.said = restore_plain(self._text(place), login, benign=benign, watch=watch)
            else:
                jobs = f"--jobs={self.backups.restore_jobs}"
                options = [] if self.kind.format == "tar" else [jobs]
                self.seen.said = restore_archive(archive, login, *options, benign=benign, watch=watch)
        if archive is None:
            self.seen.phases["download"] = place.seconds
            self.seen.phases["restore"] -= place.seconds
        with self._phase("verify"):
            self._verify(login)
        with self._phase("alone"):
            self.seen.alone = _or_why(lambda: self._alone(archive, server))
        with self._phase("migrations"):
            self.seen.beside_head = _or_why(lambda: self._beside_head(server))

    def _alone(self, archive: Path | None, server: Servers) -> Iterator[str]:
        if archive is None:
            raise CouldNotLook("backups", "a plain dump can only be restored as a whole")
        with room(0) as folder:
            login = server.make("alone")
            yield from restored_alone(archive, self.backups.alone, login, self.seen.contents, folder)

    def _beside_head(self, server: Servers) -> Iterator[str]:
        if self.environment.git is None:
            raise CouldNotLook("git", f"the environment {self.environment.name} declares none")
        login = server.make("head")
        yield from differences_from_head(self.environment, self.seen.migrations, self.seen.schema, login)

    def _control(self, archive: Path | None, place: Place, login: dict[str, Any]) -> str:
        """Restore a copy that is cut off; it has to be refused."""
        try:
            if archive is None:
                cut = min(CONTROL_AT_MOST, max(1, self.backup.size // 2))
                said = restore_plain(_first(self._text(place), cut), login)
            else:
                with room(CONTROL_AT_MOST) as folder:
                    said = restore_archive(_cut(archive, folder), login, at_most=CONTROL_ENDS_WITHIN)
        except BadBackup as error:
            return str(error)
        if said.errors:
            return said.errors[0]
        raise CouldNotLook(
            "drill", "its own control failed: a copy that is cut off was restored without an error"
        )

    def _verify(self, login: dict[str, Any]) -> None:
        import psycopg

        with psycopg.connect(**login, autocommit=True, connect_timeout=5) as session:
            self.seen.contents = manifests.contents(session)
            self.seen.schema = schema.read(session)
            there = {name.replace('"', "") for name in self.seen.contents.tables}
            for key in self.backups.key_tables:
                if in_public(key.table) in there:
                    try:
                        self.seen.newest_rows[key.table] = newest_row(session, key.table, key.column)
                    except psycopg.Error:
                        continue
            try:
                self.seen.migrations = rows_in(session, self.environment.migrations)
            except psycopg.Error:
                self.seen.migrations = None

    def _text(self, place: Place) -> Iterator[bytes]:
        return unwrapped(place.pieces(self.backup.parts[0]), self.kind.wrapping)

    def _refuse(self, head: bytes, server: Servers) -> None:
        archive = self.kind.format != "plain"
        tool = newest("pg_restore" if archive else "psql")
        made = origin(head)
        why = refusal(made, archive=archive, tool=tool.major, scratch=server.major)
        if why is not None:
            raise CouldNotLook(
                "drill",
                f"the backup is not restored: {why}",
                remedy="Set PG_BIN, or scratch_from under [postgres].",
            )
        self.seen.words.append(
            f"dumped from PostgreSQL {made.server} by pg_dump {made.pg_dump}, restored by {tool}"
        )

    def _room(self) -> int:
        """Bytes that the drill is reckoned to take, announced before it takes any."""
        need = int(self.backup.size * self.backups.scratch_factor)
        limit = int(self.backups.scratch_at_most_gigabytes * GIGABYTE)
        if need > limit:
            raise CouldNotLook(
                "scratch space",
                f"the drill would take about {need:,} bytes, more than the {limit:,} that one may",
                remedy="Raise scratch_at_most_gigabytes under [backups], or lower scratch_factor.",
            )
        with room(need):
            self.tell(f"about {need:,} bytes of scratch space")
        return need

    def _fetched(self, count: int) -> None:
        self.tell(f"fetching, {count / 1e6:,.0f} MB of {self.backup.size / 1e6:,.0f} MB")

    def _progress(self, announced: int) -> Callable[[int], None]:
        began = time.monotonic()

        def told(taken: int) -> None:
            spent = time.monotonic() - began
            left = spent / taken * max(0, announced - taken) if taken else 0
            self.tell(
                f"restore, {taken / 1e6:,.0f} MB of about {announced / 1e6:,.0f} MB, about {left:.0f} s left"
            )

        return told

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.tell(name)
        began = time.monotonic()
        yield
        self.seen.phases[name] = time.monotonic() - began


class _Timed:
    """A store whose reading is timed."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.where = place.where
        self.seconds = 0.0

    def list(self) -> tuple[Stored, ...]:
        return self._place.list()

    def file(self, stored: Stored) -> Path | None:
        return self._place.file(stored)

    def pieces(self, stored: Stored) -> Iterator[bytes]:
        pieces = self._place.pieces(stored)
        while True:
            began = time.monotonic()
            piece = next(pieces, b"")
            self.seconds += time.monotonic() - began
            if not piece:
                return
            yield piece


def _or_why(look: Callable[[], Iterator[str]]) -> tuple[str, ...] | CouldNotLook:
    """What a part of the drill found, or why it could not look: the others are good all the same."""
    try:
        return tuple(look())
    except CouldNotLook as error:
        return error


def newest_row(session: Any, table: str, column: str) -> datetime | None:
    """The newest row of a key table, by its timestamp; one without a zone is UTC.

    Raises:
        psycopg.Error: there is no such table or column.
    """
    from psycopg import sql

    query = sql.SQL("SELECT max({}) FROM {}").format(
        sql.Identifier(column), sql.Identifier(*table.split("."))
    )
    row = session.execute(query).fetchone()
    at = row[0] if row else None
    if isinstance(at, datetime) and at.tzinfo is None:
        return at.replace(tzinfo=UTC)
    return at if isinstance(at, datetime) else None


def lost(drill: Drill, source: dict[str, datetime | None], table: str) -> timedelta | None:
    """By how much a key table of the source is ahead of what was restored; None: all of it is lost.

    Args:
        drill: what was restored.
        source: the newest row of each key table now.
        table: which one.
    """
    now, then = source.get(table), drill.newest_rows.get(table)
    if now is None:
        return timedelta(0)
    return None if then is None else max(timedelta(0), now - then)


def _head(pieces: Iterator[bytes]) -> bytes:
    return b"".join(islice(pieces, 1))[:PIECE]


def _listed(archive: Path) -> bytes:
    """An archive's list of contents; empty when it has none that can be read."""
    tool = newest("pg_restore")
    return subprocess.run([tool.path, "--list", str(archive)], capture_output=True, check=False).stdout


def _first(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    left = size
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def _cut(archive: Path, folder: Path) -> Path:
    """A copy of an archive that is cut off early; of a directory, one whose largest file is."""
    copy = folder / "cut"
    if archive.is_dir():
        copy.mkdir()
        files = sorted(archive.iterdir(), key=lambda file: file.stat().st_size)
        data = [file for file in files if file.name != "toc.dat"] or files
        for file in files:
            if file != data[-1]:
                (copy / file.name).symlink_to(file)
        _copy_beginning(data[-1], copy / data[-1].name)
    else:
        _copy_beginning(archive, copy)
    return copy


def _copy_beginning(file: Path, copy: Path) -> None:
    size = min(CONTROL_AT_MOST, file.stat().st_size // 2)
    with file.open("rb") as source, copy.open("wb") as target:
        target.write(source.read(size))
