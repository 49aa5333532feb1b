"""An environment with records, written by a test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from opsverify.environment import Asked, Environment
from opsverify.loading import load

NOW = datetime.now(UTC).replace(microsecond=0)
BY = "release-manager"


def recorded(
    folder: Path,
    records: Mapping[str, Mapping[str, Any]],
    more: str = "",
    *,
    rules: str = "",
    asked: Asked | None = None,
) -> Environment:
    """An environment whose records are these.

    Args:
        folder: where its file is written, and the records below it.
        records: by file; `who` and `when` are filled in, and a key that is None is left out.
        more: further TOML.
        rules: further TOML inside `[records]`.
        asked: what the run is asked for.
    """
    for name, table in records.items():
        file = folder / "records" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = {"who": BY, "when": NOW, **table}
        file.write_text(tomli_w.dumps({key: value for key, value in whole.items() if value is not None}))
    (folder / "records").mkdir(exist_ok=True)
    file = folder / "environment.toml"
    text = f'schema = 1\nname = "e"\nprotected = false\n{more}\n[records]\nfolder = "records"\n{rules}'
    file.write_text(text, encoding="utf-8")
    return load(file, asked)


def attested(what: str, **about: Any) -> dict[str, Any]:
    """An attestation."""
    return {"kind": "attestation", "what": what, **about}


def released(release: str, previous: str | None, **more: Any) -> dict[str, Any]:
    """A release's record."""
    return {"kind": "release", "release": release, "commit": "0" * 40, "previous": previous, **more}


def planned(release: str, **more: Any) -> dict[str, Any]:
    """A planned deployment."""
    return {"kind": "deployment", "release": release, "state": "planned", **more}


def deployed(release: str, started: datetime, ended: datetime, **more: Any) -> dict[str, Any]:
    """A deployment that was carried out."""
    times = {"started": started, "ended": ended, "when": ended}
    return {"kind": "deployment", "release": release, "state": "deployed", **times, **more}


def window(name: str, starts: datetime, ends: datetime, **more: Any) -> dict[str, Any]:
    """A window, an emergency with a reason where nothing else is said."""
    why = {"type": "emergency", "reason": "it burns"}
    return {"kind": "window", "id": name, "starts": starts, "ends": ends, **why, **more}
