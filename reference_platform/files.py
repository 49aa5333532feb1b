"""The two files by which a platform is judged: its environment file and its variables."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomli_w

from reference_platform import engineer, pgbouncer, repository, s3
from reference_platform.launching import CLONE
from reference_platform.parts import PARTS
from reference_platform.records import keeping
from reference_platform.registry import write_at_once
from reference_platform.state import Platform

DECLARED = CLONE / "environments" / "local.toml"
"""What the platform is declared to have; its addresses are filled in from the running one."""
OWNER = "reference_platform"
SHARED_VARIABLES = ("DATABASE_URL", "REDIS_URL", "JWT_SECRET")
"""What every service needs."""
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
    _fill_in_addresses(platform, table)
    for part in PARTS.values():
        if part.name in platform.settings.parts:
            part.declare(platform, table)
        elif part.noun is not None:
            _leave_out(table, part.noun, part.lacking() or f"not asked for: up --with={part.name} brings it")
    if lacking := repository.lacking():
        _leave_out(table, "git", lacking)
        _leave_out(table, "runbook", lacking)  # it lies in the repository
    if not keeping.can_be_signed():
        _ask_for_no_signatures(table)
    write_at_once(platform.environment, tomli_w.dumps(table))


def _fill_in_addresses(platform: Platform, table: dict[str, Any]) -> None:
    """Every address that the declaration leaves to the running platform."""
    for service in table.get("services", []):
        service |= _addresses(platform, service["name"])
    if "llm" in table:
        table["llm"]["url"] = platform.settings.url("model")
    for page in ("status_before", "status_after", "ticket"):
        if page in table.get("maintenance", {}):
            of = table["maintenance"][page]
            of["url"] = platform.settings.url("outside") + urlsplit(of["url"]).path
    if "git" in table:
        table["git"]["github_api"] = platform.settings.url("outside")
    for right in table.get("access", {}).get("rights", []):
        right["url"] = platform.settings.url("api") + urlsplit(right["url"]).path


def _ask_for_no_signatures(table: dict[str, Any]) -> None:
    """Records cannot be signed on this machine."""
    records = table.get("records", {})
    records.pop("allowed_signers", None)
    for rule in records.get("rules", []):
        rule.pop("signed", None)


def _leave_out(table: dict[str, Any], noun: str, reason: str) -> None:
    """Declare a gap in place of a noun's table, for as long as the platform lives."""
    table.pop(noun, None)
    gap = {"without": noun, "reason": reason, "owner": OWNER, "until": WHILE_IT_LIVES}
    table.setdefault("gaps", []).append(gap)


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
    """Write the platform's variables as two dotenv files, mode 0600: the suite's, and the services' store."""
    write_own_variables(platform)
    write_dotenv(platform.store, platform.settings.variables())
    write_template(platform)
    write_flags(platform)


def write_own_variables(platform: Platform, **others: str) -> None:
    """Write the suite's variables; others take the place of their own."""
    settings = platform.settings
    previous = {"JWT_SECRET_PREVIOUS": settings.previous_jwt_secret}
    pooler = pgbouncer.variables(settings) if pgbouncer.NAME in settings.parts else {}
    store = s3.variables(settings) if s3.NAME in settings.parts else {}
    own = previous | engineer.variables(settings) | pooler | store
    write_dotenv(platform.env_file, settings.variables() | own | others)


def write_flags(platform: Platform, **more: object) -> None:
    """Write the feature flags as their service exports them; more ones, or others; None leaves one out."""
    flags: dict[str, object] = {
        "profile-notes": {"owner": "service-owner", "percent": 5, "since": "v1.2.0"},
        "narrative-preview": {"owner": "service-owner", "percent": 100, "since": "v1.0.0"},
    }
    found = {name: flag for name, flag in (flags | more).items() if flag is not None}
    write_at_once(platform.flags, json.dumps({"flags": found}, indent=1) + "\n")


def write_template(platform: Platform, *more: str) -> None:
    """Write the names of the variables that the release to come needs, as its `.env.example` has them."""
    write_dotenv(platform.template, dict.fromkeys((*SHARED_VARIABLES, *more), ""))


def write_dotenv(file: Path, variables: Mapping[str, str]) -> None:
    """Write a dotenv file at once, mode 0600."""
    write_at_once(file, "".join(f"{name}={value}\n" for name, value in variables.items()))
