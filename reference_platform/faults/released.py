"""Verbs on the platform's releases: the one to come is another, a tag is gone or somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from reference_platform import repository
from reference_platform.faults import recorded
from reference_platform.faults.model import Verb
from reference_platform.faults.verbs import both
from reference_platform.records.deployments import commit_of
from reference_platform.repository import COMMITTER, NEXT, git
from reference_platform.state import Platform

RELEASE = f"releases/{NEXT}.toml"
PLANNED = "deployments/planned.toml"
BROKEN = "refs/heads/broken"
WHEN = 1_769_418_000
"""When the commits of faults are made, in seconds since 1970."""


def rereleased(
    words: str, files: Mapping[str, str | None], *, again: Mapping[str, str] | None = None
) -> Verb:
    """The release to come is another commit, on record and by its tag.

    Args:
        words: what is then the case.
        files: the text of each file that is another, by path; None: it is gone.
        again: text that is added to the end of files, by path.
    """

    def do(platform: Platform) -> None:
        added = {path: _text(platform, path) + text for path, text in (again or {}).items()}
        commit = _commit(platform, {**files, **added})
        for folder in (platform.repository, platform.remote):
            _keep_tag(folder, NEXT)
        git("-C", str(platform.repository), "push", "--quiet", "--force", "origin", BROKEN)
        for folder in (platform.repository, platform.remote):
            git("-C", str(folder), "update-ref", f"refs/tags/{NEXT}", commit)

    def undo(platform: Platform) -> None:
        for folder in (platform.repository, platform.remote):
            _restore_tag(folder, NEXT)
            git("-C", str(folder), "update-ref", "-d", BROKEN)

    def commit(platform: Platform, record: recorded.Table) -> str | None:
        return commit_of(platform, NEXT)

    return both(words, Verb(words, do, undo), recorded.changed(words, RELEASE, PLANNED, commit=commit))


def untag(release: str) -> Verb:
    """A release has no tag, here and in the remote."""

    def do(platform: Platform) -> None:
        for folder in (platform.repository, platform.remote):
            _keep_tag(folder, release)
            git("-C", str(folder), "update-ref", "-d", f"refs/tags/{release}")

    def undo(platform: Platform) -> None:
        for folder in (platform.repository, platform.remote):
            _restore_tag(folder, release)

    return Verb(f"{release} has no tag", do, undo)


def move_tag(release: str, words: str, *, to: str, where: Callable[[Platform], Path]) -> Verb:
    """A release's tag is on another commit.

    Args:
        release: whose tag it is.
        words: what is then the case.
        to: the release whose commit it is on.
        where: in which repository of the platform.
    """

    def do(platform: Platform) -> None:
        folder = where(platform)
        _keep_tag(folder, release)
        git("-C", str(folder), "update-ref", f"refs/tags/{release}", f"refs/tags/{to}^{{commit}}")

    def undo(platform: Platform) -> None:
        _restore_tag(where(platform), release)

    return Verb(words, do, undo)


def junit(words: str, write: Callable[[Platform], None]) -> Verb:
    """The file of the integration tests is another."""

    def undo(platform: Platform) -> None:
        repository.write_junit(platform, commit_of(platform, NEXT) or "")

    return Verb(words, write, undo)


def _text(platform: Platform, path: str) -> str:
    return git("-C", str(platform.repository), "cat-file", "blob", f"refs/heads/main:{path}") + "\n"


def _commit(platform: Platform, files: Mapping[str, str | None]) -> str:
    """A commit on top of the release to come, which has these files."""
    head = f"commit {BROKEN}\ncommitter {COMMITTER} {WHEN} +0000\ndata 6\nBroken\n"
    lines = [head.encode(), b"from refs/heads/main^0\n"]
    for path, text in files.items():
        if text is None:
            lines.append(f"D {path}\n".encode())
        else:
            content = text.encode()
            lines.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    git("-C", str(platform.repository), "fast-import", "--quiet", "--force", said=b"".join(lines))
    return git("-C", str(platform.repository), "rev-parse", BROKEN)


def _keep_tag(folder: Path, release: str) -> None:
    """Remember where a tag is when nothing is broken."""
    if not git("-C", str(folder), "for-each-ref", f"refs/kept/{release}"):
        git("-C", str(folder), "update-ref", f"refs/kept/{release}", f"refs/tags/{release}")


def _restore_tag(folder: Path, release: str) -> None:
    if git("-C", str(folder), "for-each-ref", f"refs/kept/{release}"):
        git("-C", str(folder), "update-ref", f"refs/tags/{release}", f"refs/kept/{release}")
        git("-C", str(folder), "update-ref", "-d", f"refs/kept/{release}")
