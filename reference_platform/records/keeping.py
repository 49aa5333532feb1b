"""Keeping records: TOML files, committed and signed by whom they name where git and OpenSSH are here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from reference_platform.registry import write_at_once
from reference_platform.repository import git
from reference_platform.state import Platform

PEOPLE = ("release-manager", "sre-on-call", "service-owner", "stranger")
"""Roles that sign records; the last one has a key that is not among the allowed signers."""
Table = Mapping[str, Any]
"""A record as TOML has it; None as a value leaves the key out."""


def can_be_signed() -> bool:
    """Whether this machine has what signing takes."""
    return all(map(shutil.which, ("git", "ssh-keygen")))


def begin(platform: Platform) -> None:
    """Make the folder of records, and where they can be signed a repository and a key for each role."""
    platform.records.mkdir()
    if not can_be_signed():
        return
    platform.signing.mkdir(mode=0o700)
    made = [
        subprocess.Popen(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(_key(platform, who))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for who in PEOPLE
    ]
    git("init", "--quiet", "--template=", "--initial-branch=main", str(platform.records))
    for one in made:
        one.wait()
    signers = [
        f"{who} {_key(platform, who).with_suffix('.pub').read_text().strip()}\n" for who in PEOPLE[:-1]
    ]
    write_at_once(platform.allowed_signers, "".join(signers))


def keep(platform: Platform, records: Mapping[str, Table]) -> None:
    """Write records, each by its file's name below the folder, and commit them: one commit for each who."""
    by_whom: dict[str, list[str]] = {}
    for name, table in records.items():
        write(platform, name, tomli_w.dumps(_without_none(table)))
        by_whom.setdefault(str(table["who"]), []).append(name)
    for who, names in by_whom.items():
        commit(platform, names, by=who)


def write(platform: Platform, name: str, text: str) -> None:
    """Write a record's file, whatever stands in it, without committing it."""
    file = platform.records / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(text, encoding="utf-8")


def remove(platform: Platform, names: list[str]) -> None:
    """Remove records, as far as they are there."""
    there = [name for name in names if (platform.records / name).exists()]
    for name in there:
        (platform.records / name).unlink()
    if there:
        commit(platform, there, by=PEOPLE[0])


def commit(platform: Platform, names: list[str], *, by: str | None) -> None:
    """Commit files as they stand, or their removal, signed by a role; None: not signed."""
    if not (platform.records / ".git").is_dir():
        return
    here = ("-C", str(platform.records))
    git(*here, "add", "--all", "--", *names)
    if not git(*here, "status", "--porcelain", "--", *names):
        return
    key = _key(platform, by) if by in PEOPLE else None
    signing = (
        ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit", "--gpg-sign")
        if key
        else ("commit",)
    )
    git(*here, *signing, "--quiet", "--message", f"Record {', '.join(names)}"[:200], "--", *names)


def _key(platform: Platform, who: str) -> Path:
    return platform.signing / who


def _without_none(table: Table) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}
