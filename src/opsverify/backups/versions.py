"""Which versions of PostgreSQL can restore what, and why the others cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass

FROM = re.compile(rb"Dumped from database version:? (\d+)")
BY = re.compile(rb"Dumped by pg_dump version:? (\d+)")


@dataclass(frozen=True)
class Origin:
    """Major versions of what made a dump, as it says itself; None where it does not."""

    server: int | None
    pg_dump: int | None


def origin(text: bytes) -> Origin:
    """What made a dump, by the beginning of its text or of its list of contents."""
    server, by = FROM.search(text), BY.search(text)
    return Origin(int(server[1]) if server else None, int(by[1]) if by else None)


def refusal(made: Origin, *, archive: bool, tool: int, scratch: int) -> str | None:
    """Why a dump is not restored by this tool into this server; None when it is.

    Args:
        made: what made it.
        archive: whether it is read by pg_restore; else psql reads it.
        tool: major version of pg_restore or psql.
        scratch: of the server that it is restored into.
    """
    if made.server is not None and scratch < made.server:
        # What a newer server has, an older one does not understand.
        return f"it is of PostgreSQL {made.server}, the scratch server is {scratch}: it must not be older"
    if archive and made.pg_dump is not None and tool < made.pg_dump:
        # An archive's format is newer with its pg_dump; text is not.
        return f"it was made by pg_dump {made.pg_dump}, the pg_restore here is {tool}: it must not be older"
    if archive and tool > scratch and scratch < OLDEST_TAKEN:
        return f"pg_restore {tool} sets what a server {scratch} does not know"
    return None


OLDEST_TAKEN = 13
"""Servers before this one are said to be unproven."""
