"""The two files by which a platform is judged: its environment file and its variables."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from reference_platform import toml
from reference_platform.launching import CLONE
from reference_platform.parts import PARTS
from reference_platform.registry import write_at_once
from reference_platform.state import Platform

DECLARED = CLONE / "environments" / "local.toml"
"""What the platform is declared to have; its addresses are filled in from the running one."""
OWNER = "reference_platform"
WHILE_IT_LIVES = date(2999, 12, 31)
"""A platform's gaps end with its folder."""


def write_environment(platform: Platform, *, declared: Path = DECLARED) -> None:
    """Write the environment file of a platform.

    Raises:
        OSError: the declaration cannot be read.
    """
    table: dict[str, Any] = tomllib.loads(declared.read_text(encoding="utf-8"))
    table.pop("reference_platform", None)
    table["env_file"] = platform.env_file.name
    for service in table.get("services", []):
        service |= _addresses(platform, service["name"])
    for part in PARTS.values():
        if part.name in platform.settings.parts:
            part.declare(platform, table)
        else:
            table.setdefault("gaps", []).append(
                {
                    "without": part.noun,
                    "reason": part.lacking() or f"not asked for: up --with={part.name} brings it",
                    "owner": OWNER,
                    "until": WHILE_IT_LIVES,
                }
            )
    write_at_once(platform.environment, toml.dumps(table))


def _addresses(platform: Platform, service: str) -> dict[str, object]:
    """Where a service is: internally, publicly, and its further replicas beside the one at its address."""
    settings = platform.settings
    found: dict[str, object] = {"url": settings.url(service)}
    if f"public-{service}" in settings.ports:
        found |= {"public_url": settings.public_url(service), "ca": f"{platform.tls.name}/ca.pem"}
    if f"{service}-2" in settings.ports:
        found["replicas"] = [settings.url(f"{service}-2")]
    return found


def write_variables(platform: Platform) -> None:
    """Write the platform's variables as a dotenv file, mode 0600."""
    lines = (f"{name}={value}\n" for name, value in platform.settings.variables().items())
    write_at_once(platform.env_file, "".join(lines))
