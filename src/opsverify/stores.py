"""Backup stores: a folder, or a bucket that speaks S3. Listed once a run, read a piece at a time.

A folder is read where it lies: a tool can open its files. Of a bucket pieces are fetched, each with
a time limit of its own, so that a dump of any size can be read, and none is ever whole in memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from opsverify.cost import charge
from opsverify.environment import Environment, Store
from opsverify.evidence import one_line
from opsverify.looking import NO_ANSWER, CouldNotLook

NOUN = "backups"
PIECE = 8 * 2**20
"""Bytes that are read at a time."""
LISTED_AT_ONCE = 1000
PIECE_WITHIN = timedelta(seconds=30)
CONNECT_WITHIN = timedelta(seconds=3)
RETRIES = 2
RETRIES_WITHIN = timedelta(seconds=5)
SMALL = 2**20
"""Bytes of what is read whole, such as a manifest."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object of a store."""

    name: str
    """Below the store's folder or prefix, with slashes."""
    size: int
    """Bytes."""
    modified: datetime


class Place(Protocol):
    """A store that can be read."""

    where: str
    """Its address, for messages."""

    def list(self) -> tuple[Stored, ...]:
        """Everything in it.

        Raises:
            CouldNotLook: it cannot be listed.
        """
        ...

    def pieces(self, stored: Stored) -> Iterator[bytes]:
        """An object's bytes, a piece at a time.

        Raises:
            CouldNotLook: it cannot be read to its end, or is another one now.
        """
        ...

    def file(self, stored: Stored) -> Path | None:
        """Where an object can be opened as it is; None where it has to be fetched."""
        ...


class Folder:
    """A folder of this machine, such as a mounted volume."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = str(folder)

    def list(self) -> tuple[Stored, ...]:
        """Everything in it, links to files among them."""
        if not self._folder.is_dir():
            raise CouldNotLook(
                NOUN,
                f"there is no folder {one_line(self.where)}",
                remedy="Mount the volume here, or declare a gap: without = 'backups'.",
            )
        return tuple(self._walk())

    def _walk(self) -> Iterator[Stored]:
        waiting = [("", self._folder)]
        while waiting:
            below, folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append((f"{below}{entry.name}/", Path(entry.path)))
                        elif entry.is_file():
                            stat = entry.stat()
                            at = datetime.fromtimestamp(stat.st_mtime, UTC)
                            yield Stored(f"{below}{entry.name}", stat.st_size, at)
            except OSError as error:
                raise _unreadable(str(folder), error) from None

    def pieces(self, stored: Stored) -> Iterator[bytes]:
        """An object's bytes."""
        left = stored.size
        try:
            with (self._folder / stored.name).open("rb") as file:
                while piece := file.read(PIECE):
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise _unreadable(stored.name, error) from None
        _whole(stored, left)

    def file(self, stored: Stored) -> Path | None:
        """It lies here."""
        return self._folder / stored.name


class Bucket:
    """A bucket, or what in it begins with a prefix."""

    def __init__(self, store: Store, secret: Callable[[str], str]) -> None:
        from obstore.store import S3Store

        self.where = f"{store.endpoint or 's3:'}//{store.bucket}/{store.prefix}".replace("///", "//")
        if store.endpoint:
            self.where = f"{store.endpoint}/{store.bucket}/{store.prefix}".rstrip("/")
        names = {
            "access_key_id": store.access_key_from,
            "secret_access_key": store.secret_key_from,
            "session_token": store.session_token_from,
        }
        keys: dict[str, Any] = {key: secret(name) for key, name in names.items() if name is not None}
        if not keys:
            keys["skip_signature"] = True
        if store.endpoint:
            keys["endpoint"] = store.endpoint
        self._store: Any = S3Store(
            store.bucket,
            prefix=store.prefix or None,
            region=store.region,
            virtual_hosted_style_request=store.endpoint is None,
            client_options={"timeout": PIECE_WITHIN, "connect_timeout": CONNECT_WITHIN, "allow_http": True},
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRIES_WITHIN},
            **keys,
        )

    def list(self) -> tuple[Stored, ...]:
        """Everything in it."""
        found: list[Stored] = []
        with _said_plainly(self.where):
            for chunk in self._store.list(chunk_size=LISTED_AT_ONCE):
                charge(requests=1)
                found += [Stored(one["path"], one["size"], one["last_modified"]) for one in chunk]
        return tuple(found)

    def pieces(self, stored: Stored) -> Iterator[bytes]:
        """An object's bytes, each piece asked for by itself."""
        at = 0
        while at < stored.size:
            with _said_plainly(f"{self.where}/{stored.name}"):
                charge(requests=1)
                piece = bytes(self._store.get_range(stored.name, start=at, end=min(at + PIECE, stored.size)))
            if not piece:
                break
            at += len(piece)
            yield piece
        _whole(stored, stored.size - at)

    def file(self, stored: Stored) -> Path | None:
        """It has to be fetched."""
        return None


def place_of(environment: Environment, store: Store) -> Place:
    """A store, ready to be read.

    Raises:
        CouldNotLook: a variable with a key is unset, or the package for buckets is not installed.
    """
    if not store.is_bucket:
        return Folder(environment.beside(store.folder))
    try:
        return Bucket(store, lambda name: environment.secrets.require(name, of=NOUN).get_secret_value())
    except ImportError:
        raise CouldNotLook(
            NOUN, "the package obstore is not installed", remedy="pip install 'opsverify[stores]'"
        ) from None


def listing(environment: Environment, store: Store) -> tuple[Stored, ...]:
    """Everything in a store, listed once a run.

    Raises:
        CouldNotLook: it cannot be listed.
    """
    return environment.once(
        f"listing of {store!r}",
        lambda: place_of(environment, store).list(),
    )


def read_small(place: Place, stored: Stored) -> bytes:
    """An object that is small enough to be read whole.

    Raises:
        CouldNotLook: it cannot be read, or is not small.
    """
    if stored.size > SMALL:
        raise CouldNotLook(NOUN, f"{one_line(stored.name)} is too large to be read whole")
    return b"".join(place.pieces(stored))


def _whole(stored: Stored, left: int) -> None:
    if left:
        raise CouldNotLook(NOUN, f"{one_line(stored.name)} was changed while it was read")


def _unreadable(name: str, error: OSError) -> CouldNotLook:
    return CouldNotLook(NOUN, f"{one_line(name)} cannot be read: {error.strerror}")


@contextmanager
def _said_plainly(where: str) -> Iterator[None]:
    """What obstore raises, in words that do not change from run to run."""
    from obstore import exceptions

    try:
        yield
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        raise CouldNotLook(
            NOUN, f"{one_line(where)} refuses the key", remedy="The key needs to list and read it."
        ) from None
    except (exceptions.NotFoundError, FileNotFoundError):
        raise CouldNotLook(NOUN, f"{one_line(where)} is not there") from None
    except (exceptions.BaseError, OSError) as error:
        raise CouldNotLook(NOUN, f"{one_line(where)}: {_reason(str(error))}") from None


_SIGNS = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "the key is refused",
    "SignatureDoesNotMatch": "the key is refused",
    "AccessDenied": "the key is refused",
    "403 Forbidden": "the key is refused",
    "404 Not Found": "it is not there",
    "416 Range Not Satisfiable": "it was changed while it was read",
    "InvalidObjectState": "it lies in a cold class and has to be retrieved before it can be read",
    "timed out": NO_ANSWER,
    "dns error": "the name does not resolve",
    "onnection refused": "connection refused",
    "error sending request": "the connection broke, or was refused",
    "error decoding response body": "the connection broke in the middle",
}
"""Parts of what obstore says, and what they mean."""


def _reason(said: str) -> str:
    known = next((words for sign, words in _SIGNS.items() if sign in said), None)
    answered = re.search(r"status code: (\d+ [A-Za-z ]+)", said)
    return known or (f"it answered {answered[1]}" if answered else one_line(said.split("\n")[0]))
