"""The git repository that the platform's releases are made from: a remote, and a clone of it.

It holds a small real project, the services' migrations, and the documents operators go by. What
is in a release is computed from files of this package; commits are the same for every platform.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from reference_platform.migrations import APPS, Migration, all_of
from reference_platform.processes import Failed
from reference_platform.registry import write_at_once
from reference_platform.state import Platform

PREVIOUS = "v1.0.0"
RELEASED = "v1.1.0"
"""What runs: the release of which `up` applies the migrations and starts the services."""
NEXT = "v1.2.0"
"""The release to come."""

PROJECT = Path(__file__).parent / "project"
"""What every release has."""
ADDED = Path(__file__).parent / "releases"
"""By release: what it adds, and those after it keep."""
ONLY_LATER = frozenset(
    {"apps/api/migrations/007_profile_embeddings", "apps/orchestrator/migrations/002_runs"}
)
"""Migrations that came after the first release."""

COMMITTER = "release-bot <release-bot@midst.example>"
FIRST_AT = 1_767_603_600
"""When the first release was committed, in seconds since 1970: a Monday at nine, UTC."""
WEEK = 7 * 24 * 60 * 60
INSTALL = "git is not installed: apt-get install git, or what your system has in its place"

JUNIT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites tests="2" failures="0" errors="0">
  <testsuite name="integration" tests="2" failures="0" errors="0" skipped="0" time="0.214">
    <properties>
      <property name="commit" value="{commit}"/>
    </properties>
    <testcase classname="integration.Profiles" name="a profile is found again" time="0.102"/>
    <testcase classname="integration.Profiles" name="a profile is gone for good" time="0.112"/>
  </testsuite>
</testsuites>
"""

Files = dict[str, bytes]
"""Content by path."""


def lacking() -> str | None:
    """The line that installs git, or None when it is here."""
    return None if shutil.which("git") else INSTALL


def make(platform: Platform) -> None:
    """Make the remote with all releases, and the clone; nothing where there is no git.

    Raises:
        Failed: git did not do it; with what it said.
    """
    if lacking() is not None:
        return
    git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(platform.remote))
    git("-C", str(platform.remote), "fast-import", "--quiet", said=b"".join(_history()))
    git("clone", "--quiet", "--template=", str(platform.remote), str(platform.repository))
    write_junit(platform, git("-C", str(platform.remote), "rev-parse", f"refs/tags/{NEXT}^{{commit}}"))


def write_junit(platform: Platform, commit: str) -> None:
    """Write what the integration tests leave that passed for a commit."""
    write_at_once(platform.junit, JUNIT.format(commit=commit))


def git(*command: str, said: bytes = b"") -> str:
    """Run git without any configuration of the user's, and give what it printed.

    Args:
        command: its arguments.
        said: its stdin.

    Raises:
        Failed: it ended with another status than 0; with what it said.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    name, _, address = COMMITTER.partition(" ")
    for role in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": address.strip("<>")}
    variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"}
    done = subprocess.run(["git", *command], input=said, capture_output=True, check=False, env=variables)
    if done.returncode != 0:
        raise Failed(f"git {command[0]} failed:\n{done.stderr.decode(errors='replace')}")
    return done.stdout.decode().strip()


def folder_of(platform: Platform, release: str, into: Path) -> Path:
    """A release's files as they are in the repository, put into a folder that is not there yet.

    Raises:
        Failed: there is no such release.
    """
    into.mkdir()
    git(
        *("-C", str(platform.repository), f"--work-tree={into.absolute()}"),
        *("restore", "--quiet", f"--source=refs/tags/{release}", "--worktree", "--", ":/"),
    )
    return into


def _history() -> Iterator[bytes]:
    """What git-fast-import(1) reads: a commit and an annotated tag for each release."""
    for number, (release, files) in enumerate(_releases()):
        when = f"{COMMITTER} {FIRST_AT + number * WEEK} +0000"
        yield f"commit refs/heads/main\ncommitter {when}\n{_data(f'Release {release}')}".encode()
        yield b"deleteall\n"
        for path, content in sorted(files.items()):
            yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
        yield f"tag {release}\nfrom refs/heads/main\ntagger {when}\n{_data(release)}".encode()
    yield b"done\n"


def _releases() -> Iterator[tuple[str, Files]]:
    everything = _files(PROJECT) | _migrations(all_of())
    first = {
        path: content
        for path, content in everything.items()
        if path.replace("/rollback/", "/").removesuffix(".sql") not in ONLY_LATER
    }
    yield PREVIOUS, first
    yield RELEASED, everything
    yield NEXT, everything | _files(ADDED / NEXT)


def _files(folder: Path) -> Files:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _migrations(those: Iterable[Migration]) -> Files:
    scripts = (script for one in those for script in (one.file, one.rollback))
    return {f"apps/{file.relative_to(APPS).as_posix()}": file.read_bytes() for file in scripts}


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
