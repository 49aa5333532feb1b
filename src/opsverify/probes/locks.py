"""Which pending migrations would block the platform, by a linter of migrations: squawk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsverify.environment import Environment, Git
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.git import repository
from opsverify.looking import NO_ANSWER, CouldNotLook, Snapshot
from opsverify.migrations import Migration, runs_alone
from opsverify.probes.migrations import pending

INSTALL = "Install it: pip install 'opsverify[migrations]' (python3 run.py has it)."
WITHIN_SECONDS = 9

BLOCKING = {
    "adding-field-with-default": "a value that is computed for each row rewrites the table",
    "adding-foreign-key-constraint": "both tables take no writes while all rows are compared",
    "adding-not-nullable-field": "nobody reads or writes while all rows are read",
    "adding-serial-primary-key-field": "nobody reads or writes while the key's index is built",
    "ban-alter-domain-with-add-constraint": "every table with a column of the domain is read under lock",
    "changing-column-type": "nobody reads or writes while the table is rewritten",
    "constraint-missing-not-valid": "no writes while all rows are read, which NOT VALID avoids",
    "disallowed-unique-constraint": "nobody reads or writes while the index is built",
    "require-concurrent-index-creation": "no writes while the index is built",
    "require-concurrent-index-deletion": "nobody reads or writes until all readers are gone",
    "require-concurrent-partition-detach": "nobody reads or writes until all readers are gone",
    "require-concurrent-reindex": "no writes while the index is built",
}
"""The rules that are asked, and what is locked. Those of style, and of what clients notice, are not."""
SYNTAX = "syntax-error"


@dataclass(frozen=True, kw_only=True)
class Locks(Snapshot):
    """What the linter says of the migrations that are pending."""

    blocking: tuple[str, ...]
    """`008_a.sql:3 require-concurrent-index-creation: no writes while the index is built`."""


def locks(environment: Environment, git_with_database: Git) -> Locks:
    """Lint the migrations that the release to come has and the database has not.

    Raises:
        CouldNotLook: what is pending cannot be told, squawk is not here, or a file cannot be parsed.
    """
    commit, those = pending(environment)
    findings: list[str] = []
    unread: list[str] = []
    said = "nothing is pending"
    if those:
        said, found = _lint(environment, commit, those)
        for path, line, rule, message in found:
            if rule in BLOCKING:
                findings.append(f"{one_line(path)}:{line} {rule}: {BLOCKING[rule]}")
            elif rule == SYNTAX:
                unread.append(f"{one_line(path)}:{line} {one_line(message)}")
    if unread and not findings:
        raise CouldNotLook("migrations", f"squawk cannot read {unread[0]}")
    return Locks(
        where=f"{git_with_database.repository} {commit[:12]}",
        blocking=tuple(findings),
        evidence=(Evidence("squawk", harmless(said)),),
    )


Finding = tuple[str, int, str, str]
"""Path, line, rule, message."""


def _lint(environment: Environment, commit: str, those: tuple[Migration, ...]) -> tuple[str, list[Finding]]:
    found = repository(environment)
    with tempfile.TemporaryDirectory(prefix="opsverify-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        # Names of our own: squawk takes its arguments for patterns.
        by_name: dict[str, Migration] = {}
        alone: list[str] = []
        for number, one in enumerate(those, 1):
            text = found.read(commit, one.path)
            name = f"{number:04}.sql"
            by_name[name] = one
            (folder / name).write_bytes(text)
            if runs_alone(text.decode("utf-8", errors="replace")):
                alone.append(name)
        together = [name for name in by_name if name not in alone]
        said: list[dict[str, Any]] = []
        if together:
            said += _squawk(folder, "--assume-in-transaction", *together)
        if alone:
            said += _squawk(folder, *alone)
    lines = list(_findings(said, by_name))
    shown = "\n".join(f"{path}:{line} {rule}: {message}" for path, line, rule, message in lines)
    return f"{len(those)} files\n{shown}", lines


def _findings(said: list[dict[str, Any]], by_name: dict[str, Migration]) -> Iterator[Finding]:
    try:
        for one in said:
            path = by_name[Path(one["file"]).name].path
            yield path, int(one["line"]) + 1, str(one["rule_name"]), str(one["message"])
    except (KeyError, TypeError, ValueError):
        raise CouldNotLook("migrations", "squawk answers in a form that is not known here") from None


def _squawk(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What squawk says of files, as its JSON reporter has it.

    Raises:
        CouldNotLook: it is not here, or does not do its work.
    """
    own = Path(sys.executable).parent
    program = shutil.which("squawk", path=str(own)) or shutil.which("squawk")
    if program is None:
        raise CouldNotLook("migrations", "squawk is not installed", remedy=INSTALL)
    (folder / "squawk.toml").touch()  # not the one of whoever is at home here
    try:
        done = subprocess.run(
            [program, "--config", "squawk.toml", "--reporter", "json", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=WITHIN_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise CouldNotLook("migrations", f"squawk: {NO_ANSWER}") from None
    try:
        found = json.loads(done.stdout)
    except ValueError:  # also nothing at all, which is how it says that it found no file
        found = None
    if done.returncode not in {0, 1} or not isinstance(found, list):
        why = one_line(done.stderr or done.stdout) or f"exit code {done.returncode}"
        raise CouldNotLook("migrations", f"squawk failed: {why}")
    return found
