"""A lock that is a file, goes with the folder it lies in, and is let go when its holder is killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "lock"


@contextmanager
def held(folder: Callable[[], Path], *, keep: Callable[[Path], bool]) -> Iterator[Path]:
    """Hold a folder alone, waiting for its turn; gives the folder.

    Args:
        folder: gives the folder; asked again when it was removed while we waited.
        keep: whether the lock file stays in the folder afterwards.

    Raises:
        Exception: whatever `folder` raises when there is nothing to lock any more.
    """
    while True:
        here = folder()
        file = here / NAME
        try:
            lock = file.open("a")
        except FileNotFoundError:  # removed since the line above
            continue
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_still(file, lock.fileno()):
                continue  # the one before us removed it: what we hold is not what others see
            try:
                yield here
            finally:
                # Whoever removed the folder removed the file too: one of that name is another's by now.
                if not keep(here) and _is_still(file, lock.fileno()):
                    file.unlink()
        return


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
