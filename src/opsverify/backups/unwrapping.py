"""Taking a compressed file's wrapping off, a piece at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

from opsverify.looking import CouldNotLook

UNWRAPPED_AT_ONCE = 4 * 2**20
"""Bytes that are had of gzip at a time: of nothing but zeros a thousand come of each."""
ZSTD_AT_ONCE = 2**14
"""Bytes that zstd is given at a time, likewise."""
GZIP = 31
"""zlib's code for gzip with its largest window."""


class BadBackup(Exception):
    """A backup is not what it should be; the text says why."""


def unwrapped(pieces: Iterable[bytes], how: Literal["none", "gzip", "zstd"]) -> Iterator[bytes]:
    """What is in a wrapping, read to its end.

    Raises:
        BadBackup: it is cut off or damaged.
        CouldNotLook: the package for zstd is not installed.
    """
    if how == "gzip":
        return _of_gzip(pieces)
    return _of_zstd(pieces) if how == "zstd" else iter(pieces)


def _of_gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Members of gzip one after the other, as `cat a.gz b.gz` makes them; zeros may follow."""
    member = zlib.decompressobj(GZIP)
    begun = False
    for piece in pieces:
        data = piece
        while data:
            if member.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member, begun = zlib.decompressobj(GZIP), False
            try:
                out = member.decompress(data, UNWRAPPED_AT_ONCE)
            except zlib.error as error:
                raise BadBackup(f"its gzip is damaged ({_plainly(error)})") from None
            begun = True
            if out:
                yield out
            data = member.unused_data if member.eof else member.unconsumed_tail
    if not begun:
        raise BadBackup("it is empty")
    if not member.eof:
        raise BadBackup("its gzip is cut off")


def _of_zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise CouldNotLook(
            "backups", "the package zstandard is not installed", remedy="pip install 'opsverify[stores]'"
        ) from None
    frame = zstandard.ZstdDecompressor().decompressobj()
    begun = False
    for piece in pieces:
        for at in range(0, len(piece), ZSTD_AT_ONCE):
            data = piece[at : at + ZSTD_AT_ONCE]
            while data:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                try:
                    out = frame.decompress(data)
                except zstandard.ZstdError as error:
                    raise BadBackup(f"its zstd is damaged ({error})") from None
                begun = True
                if out:
                    yield out
                data = frame.unused_data if frame.eof else b""
    if not begun:
        raise BadBackup("it is empty")
    if not frame.eof:
        raise BadBackup("its zstd is cut off")


def _plainly(error: zlib.error) -> str:
    return str(error).rpartition(": ")[2]
