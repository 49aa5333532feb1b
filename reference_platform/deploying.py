"""Deploying a release on a platform that is up, and taking it back: what an operator's script calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from reference_platform import launching, migrations, repository
from reference_platform.migrations import Migration
from reference_platform.processes import Failed
from reference_platform.state import Platform, locked

IN_TURN = ("api-2", "api", "orchestrator", "web")
"""What is replaced in which order: never both replicas of the api at a time."""


def migrate(platform: Platform, release: str) -> list[Migration]:
    """Apply the migrations of a release that the database does not have yet.

    Returns:
        Those that were applied.

    Raises:
        Failed: there is no such release, or a migration failed; those before it are applied.
    """
    import psycopg

    with _files_of(platform, release) as folder:
        try:
            return migrations.migrate(platform, folder)
        except psycopg.Error as error:
            raise Failed(f"a migration of {release} failed, and changed nothing itself: {error}") from None


def roll_back(platform: Platform, release: str, *, to: str) -> list[Migration]:
    """Undo the migrations that a release added to another one, the latest first, as far as they are applied.

    Raises:
        Failed: there is no such release, a script is missing or failed; those before it are undone.
    """
    import psycopg

    with _files_of(platform, release) as folder, _files_of(platform, to) as other:
        before = {(one.app, one.version) for one in migrations.all_of(other / "apps")}
        applied = migrations.applied(platform)
        undone = []
        for one in reversed(migrations.all_of(folder / "apps")):
            if (one.app, one.version) in applied - before:
                try:
                    migrations.roll_back(platform, one)
                except (psycopg.Error, OSError) as error:
                    raise Failed(f"rolling back {one.version} failed: {error}") from None
                undone.append(one)
        return undone


def deploy(platform: Platform, release: str) -> Platform:
    """Replace the services by those of a release, one at a time. Returns when all are ready.

    Raises:
        Failed, NotInTime: a service did not get ready; those after it are as they were.
    """
    with locked(platform.state):
        after = replace(platform, settings=replace(platform.settings, release=release))
        after.save()
        for service in IN_TURN:
            launching.stop_service(after, service)
            launching.start(after, service)
            launching.wait(after, [service])
    return after


@contextmanager
def _files_of(platform: Platform, release: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="opsverify-") as made:
        yield repository.folder_of(platform, release, Path(made) / "release")
