"""Where the platforms of a user are written down, so that none is ever lost.

Everything of a platform that does not lie in its state folder lies in one folder of its own,
`TEMP/inmidst-UID/ID/`: what it is (record.json), its processes (a file each), PostgreSQL's
binaries, data and socket, Valkey's data. The record names the process that answers for the
platform: `up` while it starts one, `down` while it removes one, a test run for as long as it
uses one. When that process is gone and the platform is still there, it is left over, and the
next start of any platform takes it down. A platform brought up by hand has no owner, and is
left over when its state folder was removed under it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from opsverify.pgserver import Lacking, temporary_folder
from reference_platform import locks
from reference_platform.processes import Process, myself

LONGEST_BELOW = len("/inmidst-1234567890/01234567/postgres/socket/.s.PGSQL.65535")


RECORD = "record.json"


class Unusable(Exception):
    """No folder can be had in which a platform could lie; the text says what is in the way."""


@dataclass(frozen=True)
class Record:
    """What is written down about a platform."""

    state: Path
    """Its state folder."""
    made: Path | None
    """The topmost folder that was made for it, and so is removed with it; None when it was there before."""
    owner: Process | None
    """Who answers for it; None when it was brought up by hand and is in use."""


@dataclass(frozen=True)
class Entry:
    """A platform's own folder outside its state folder."""

    folder: Path

    @property
    def id(self) -> str:
        """The platform's name among those of this user."""
        return self.folder.name

    @property
    def processes(self) -> Path:
        """Folder with a file for each process."""
        return self.folder / "processes"

    @property
    def postgres(self) -> Path:
        """What PostgreSQL needs."""
        return self.folder / "postgres"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.postgres / "data"

    def record(self) -> Record | None:
        """What is written down, or None when its writer was killed before it wrote."""
        try:
            found = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        owner, made = found["owner"], found["made"]
        return Record(
            state=Path(found["state"]),
            made=Path(made) if made else None,
            owner=Process(**owner) if owner else None,
        )

    def write(self, record: Record) -> None:
        """Write it down, in one step."""
        owner = record.owner
        text = json.dumps(
            {
                "state": str(record.state),
                "made": str(record.made) if record.made else None,
                "owner": {"pid": owner.pid, "started": owner.started} if owner else None,
            }
        )
        write_at_once(self.folder / RECORD, text)

    def remember(self, name: str, process: Process) -> None:
        """Write a process down under a name, in place of the one before."""
        text = json.dumps({"pid": process.pid, "started": process.started})
        write_at_once(self.processes / name, text)

    def forget(self, name: str) -> None:
        """Strike a process out."""
        (self.processes / name).unlink(missing_ok=True)

    def process(self, name: str) -> Process | None:
        """The process of that name, alive or not, or None when there never was one."""
        try:
            return Process(**json.loads((self.processes / name).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def all_processes(self) -> dict[str, Process]:
        """Every process written down, alive or not."""
        names = sorted(file.name for file in self.processes.glob("[!.]*"))
        return {name: process for name in names if (process := self.process(name)) is not None}


def write_at_once(file: Path, text: str) -> None:
    """Replace a file's text so that a reader sees the old one or the new one, never a part. Mode 0600."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def fresh() -> Entry:
    """A place for a new platform. Nothing is made yet, so nothing is left when this is cut off."""
    return Entry(base_path() / secrets.token_hex(4))


def claim(entry: Entry, state: Path, *, made: Path | None) -> None:
    """Make a new platform's folder, owned by this process until it is written otherwise.

    Args:
        entry: a fresh one.
        state: its state folder.
        made: the topmost folder that was made for it.
    """
    with _locked():
        entry.folder.mkdir(mode=_mode())
        entry.folder.chmod(_mode())  # whatever the umask is
        entry.processes.mkdir(mode=0o700)
        entry.write(Record(state, made, myself()))


def discard(entry: Entry) -> None:
    """Remove a platform's folder, the record last: cut off, it is still known whose it is."""
    if not entry.folder.is_dir():
        return
    for one in entry.folder.iterdir():
        if one.name != RECORD:
            remove(one)
    with _locked():  # without its record it looks like one whose maker was killed
        remove(entry.folder)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def left_over() -> list[Entry]:
    """The platforms that nobody answers for any more. They belong to this process from here on."""
    found: list[Entry] = []
    with _locked() as base:
        for folder in sorted(base.iterdir()):
            if not folder.is_dir():
                continue
            entry = Entry(folder)
            record = entry.record()
            if record is None:  # its maker was killed: under the lock nobody is at work here
                record = Record(folder / "none", made=None, owner=None)
            if (not record.owner.alive()) if record.owner else (not record.state.is_dir()):
                entry.write(replace(record, owner=myself()))
                found.append(entry)
    return found


def base_path() -> Path:
    """Where the folder lies that holds all platforms of this user, whether it is there or not.

    Raises:
        Unusable: no temporary folder will do.
    """
    try:
        return temporary_folder(LONGEST_BELOW) / f"inmidst-{os.getuid()}"
    except Lacking as error:
        raise Unusable(str(error)) from None


def _base_folder() -> Path:
    """The folder that holds all platforms of this user; made when there is none.

    Raises:
        Unusable: it belongs to someone else, or no temporary folder will do.
    """
    base = base_path()
    while True:
        base.mkdir(mode=_mode(), exist_ok=True)
        try:
            found = base.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise Unusable(f"{base} is another user's: remove it, or set TMPDIR to a folder of your own")
            base.chmod(_mode())
        except FileNotFoundError:  # tidied away since
            continue
        return base


def _mode() -> int:
    """Closed to others; root lets the user nobody, who runs PostgreSQL, pass through but not read."""
    return 0o711 if os.getuid() == 0 else 0o700


@contextmanager
def _locked() -> Iterator[Path]:
    """The base folder, with nobody else making or sweeping platforms."""
    with locks.held(_base_folder, keep=lambda _: True) as base:
        yield base


def tidy() -> None:
    """Remove the base folder, if no platform is in it."""
    if not base_path().exists():
        return
    with locks.held(_base_folder, keep=_holds_platforms) as base:
        if not _holds_platforms(base):
            (base / locks.NAME).unlink()
            with suppress(OSError):  # not empty: somebody came in since the line above, and stays
                base.rmdir()


def _holds_platforms(base: Path) -> bool:
    return base.is_dir() and any(one.name != locks.NAME for one in base.iterdir())
