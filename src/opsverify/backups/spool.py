"""Backups as files that a program can open: where they lie, or fetched into a folder for a while.

What is fetched is announced before by its size, takes no more, and is gone afterwards, also when its
owner is killed (see `opsverify.scratch`).
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opsverify.backups.listing import Backup
from opsverify.backups.unwrapping import unwrapped
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook
from opsverify.pgserver import Lacking
from opsverify.scratch import folder as scratch_folder
from opsverify.stores import Place

if TYPE_CHECKING:
    from opsverify.environment import BackupKind

SPARE = 64 * 2**20
"""Bytes of a disk that are left to others."""


@contextmanager
def spooled(
    place: Place, kind: BackupKind, backup: Backup, told: Callable[[int], None] = lambda _: None
) -> Iterator[Path]:
    """A backup as a file, or as a folder where it is one; not wrapped.

    Args:
        place: its store.
        kind: how it was made.
        backup: which one.
        told: is given how many bytes were fetched so far.

    Raises:
        CouldNotLook: it cannot be fetched, or there is no room for it.
        BadBackup: its wrapping is cut off or damaged.
    """
    from opsverify.backups.reading import stored_as, unpacked

    bare = kind.wrapping == "none" and not kind.packed
    lying = place.file(backup.parts[0]) if bare else None
    if lying is not None:
        yield lying if len(backup.parts) == 1 and kind.format != "directory" else _top(lying, backup)
        return
    with room(backup.size) as folder:
        try:
            if kind.packed:
                yield unpacked(unwrapped(place.pieces(backup.parts[0]), kind.wrapping), folder)
                return
            fetched = 0
            for part in backup.parts:
                target = folder / (stored_as(part, backup) if kind.format == "directory" else "dump")
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    for piece in unwrapped(place.pieces(part), kind.wrapping):
                        file.write(piece)
                        fetched += len(piece)
                        told(fetched)
        except OSError as error:
            raise no_room(error) from None
        yield folder if kind.format == "directory" else folder / "dump"


@contextmanager
def room(size: int) -> Iterator[Path]:
    """A folder for a while, on a disk that has so many bytes left.

    Raises:
        CouldNotLook: it has not.
    """
    try:
        with scratch_folder() as folder:
            free = shutil.disk_usage(folder).free
            if free < size + SPARE:
                raise CouldNotLook(
                    "scratch space",
                    f"{size + SPARE:,} bytes are needed, {free:,} are free in {one_line(str(folder.parent))}",
                    remedy="Set TMPDIR to a folder on a larger disk.",
                )
            yield folder
    except Lacking as error:
        raise CouldNotLook("scratch space", one_line(str(error))) from None


def no_room(error: OSError) -> CouldNotLook:
    """Why a file could not be written, in words."""
    if error.errno == errno.ENOSPC:
        return CouldNotLook(
            "scratch space", "the disk is full", remedy="Set TMPDIR to a folder on a larger disk."
        )
    return CouldNotLook("scratch space", f"it cannot be written to: {error.strerror or error}")


def _top(lying: Path, backup: Backup) -> Path:
    """The folder of a backup whose first file lies here."""
    depth = backup.parts[0].name.removeprefix(f"{backup.name}/").count("/")
    return lying.parents[depth]
