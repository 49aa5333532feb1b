"""Folders of records for the tests: written, committed and signed as people would."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from opsverify.environment import Environment
from opsverify.loading import load

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The present moment of these tests."""


class People:
    """A folder of records, a key for each name, and the environment that judges them."""

    def __init__(self, folder: Path, *allowed: str) -> None:
        self.folder = folder
        self.records = folder / "records"
        self.keys = folder / "keys"
        self.records.mkdir(parents=True)
        self.keys.mkdir()
        self.git("init", "--quiet", "--template=", "--initial-branch=main")
        lines = [f"{who} {self.public_key(who)}\n" for who in allowed]
        (folder / "allowed").write_text("".join(lines))

    def public_key(self, who: str) -> str:
        """The public key of somebody, made when first asked for."""
        file = self.keys / who
        if not file.exists():
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(file)]
            subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
        return file.with_suffix(".pub").read_text().strip()

    def git(self, *command: str, at: str = "2026-11-24T10:00:00Z") -> str:
        """Run git in the folder of records, without any configuration of whoever runs the tests."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for role in ("AUTHOR", "COMMITTER"):
            variables |= {
                f"GIT_{role}_NAME": "x",
                f"GIT_{role}_EMAIL": "x@midst.example",
                f"GIT_{role}_DATE": at,
            }
        whole = ["git", "-C", str(self.records), *command]
        return subprocess.run(whole, check=True, capture_output=True, text=True, env=variables).stdout.strip()

    def write(self, name: str, **table: Any) -> Path:
        """Write a record without committing it; who and when are filled in."""
        file = self.records / name
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = {"kind": "attestation", "who": "ops", "when": datetime(2026, 11, 24, 10, tzinfo=UTC)} | table
        file.write_text(tomli_w.dumps(whole))
        return file

    def commit(self, *, by: str | None) -> None:
        """Commit all, signed by somebody or not at all."""
        self.git("add", "--all")
        signing = []
        if by is not None:
            self.public_key(by)
            signing = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.keys / by}"]
        self.git(*signing, "commit", "--quiet", "--message=x", *(["--gpg-sign"] if by else []))

    def environment(
        self, rules: str = "", *, where: str = 'folder = "records"', signers: bool = True
    ) -> Environment:
        """An environment whose records these are."""
        allowed = 'allowed_signers = "allowed"' if signers else ""
        file = self.folder / "environment.toml"
        head = f'schema = 1\nname = "trial"\nprotected = false\n[records]\n{where}\n{allowed}\n'
        file.write_text(head + rules)
        return load(file)


SIGNED = '[[records.rules]]\nkind = "attestation"\nsigned = true\n'
