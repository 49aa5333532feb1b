"""Plain dumps: SQL text, read a piece at a time."""

from __future__ import annotations

import re

from opsverify.backups.unwrapping import BadBackup

NAME = rb'((?:"(?:[^"]|"")*"|[^\s".(]+)(?:\.(?:"(?:[^"]|"")*"|[^\s".(]+))?)'
LINE = re.compile(
    rb"^(?:COPY " + NAME + rb"(?: \(.*\))? FROM stdin;$|INSERT INTO " + NAME + rb" |"
    rb"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?" + NAME + rb" \()",
    re.MULTILINE,
)
COPY_ENDS = b"\n\\.\n"
BEGINS = re.compile(rb"^-- PostgreSQL database (?:cluster )?dump$", re.MULTILINE)
ENDS = re.compile(rb"^-- PostgreSQL database (?:cluster )?dump complete$", re.MULTILINE)
MARGIN = 4096
"""Bytes at beginning and end in which the marks stand: a line of pg_dump and one of `\\restrict`."""


class PlainScan:
    """Goes through the text of a dump, and notes which tables it has data of."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        """Made in it."""
        self.filled: set[str] = set()
        """With data in it, perhaps of no row."""
        self.size = 0
        self._head = b""
        self._tail = b""
        self._rest = b""
        self._copying: str | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self.size += len(piece)
        if len(self._head) < MARGIN:
            self._head = (self._head + piece)[:MARGIN]
        self._tail = (self._tail + piece[-MARGIN:])[-MARGIN:]
        self._rest = self._through(self._rest + piece)

    def finish(self) -> None:
        """There is no more.

        Raises:
            BadBackup: it does not begin or end as a dump does.
        """
        if not self.size:
            raise BadBackup("it holds nothing")
        if not BEGINS.search(self._head.replace(b"\r\n", b"\n")):
            raise BadBackup("it does not begin as a plain dump of PostgreSQL does")
        if self._copying is not None:
            raise BadBackup(f"it ends in the middle of the rows of {self._copying}")
        if not ENDS.search(self._tail.replace(b"\r\n", b"\n")):
            raise BadBackup("it does not end with the line that pg_dump writes last")

    def _through(self, text: bytes) -> bytes:
        """Go through what there is; what has to be seen again with the next piece is returned."""
        at = 0
        while True:
            if self._copying is not None:
                end = text.find(COPY_ENDS, at)
                if end < 0:
                    return text[max(at, len(text) - len(COPY_ENDS) + 1) :]
                at = end + len(COPY_ENDS)
                self._copying = None
            whole = text.rfind(b"\n") + 1
            found = LINE.search(text, at, whole) if whole > at else None
            if found is None:
                return text[max(at, whole) :]
            copied, inserted, made = found.groups()
            name = (copied or inserted or made).decode(errors="replace")
            (self.tables if made else self.filled).add(name)
            at = found.end()
            if copied:
                self._copying = name
