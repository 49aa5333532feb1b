"""The list of profiles: other people's are in it, so nothing of it is kept as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opsverify.probes.conversation import Conversation, Reply, clock_of

Row = dict[str, Any]

PROFILES = "/v1/profiles"
PAGE = 100
"""Profiles asked for at a time."""
PAGES_AT_MOST = 20
"""Of a longer list its first and its last ten pages are read: there new profiles stand in a list
that is ordered by time."""
ABSENT = "absent"


@dataclass(frozen=True)
class Page:
    """A page of the list."""

    rows: tuple[Row, ...]
    total: int
    """Profiles in the whole list."""
    now: float
    """Time at the target, seconds since the epoch."""
    trouble: str | None = None
    """What came instead of a page."""


def pages(conversation: Conversation, token: str) -> Iterator[Page]:
    """Read the list; the last page may be one with trouble.

    Raises:
        CouldNotLook: there was no answer at all.
    """
    offset = 0
    for number in range(1, PAGES_AT_MOST + 1):
        path = f"{PROFILES}?limit={PAGE}&offset={offset}"
        page = _page(conversation.ask("GET", path, token=token, secret=True))
        yield page
        offset += len(page.rows)
        if page.trouble is not None or not page.rows or offset >= page.total:
            return
        if number == PAGES_AT_MOST // 2:
            offset = max(offset, page.total - PAGE * (PAGES_AT_MOST - number))


def name_in(conversation: Conversation, token: str, profile: str, *, was_there: bool) -> str:
    """The display name under which a profile is listed, `ABSENT`, or what came instead of the list.

    Args:
        conversation: with the api.
        token: of the caller.
        profile: its id.
        was_there: it was found before, so that it stands in what is read of a list that is too long.

    Raises:
        CouldNotLook: there was no answer at all, or the list is too long for what is read of it to tell.
    """
    read, total = 0, 0
    for page in pages(conversation, token):
        if page.trouble is not None:
            return page.trouble
        for row in page.rows:
            if row.get("id") == profile:
                return str(row.get("displayName"))
        read, total = read + len(page.rows), page.total
    if read < total and not was_there:
        raise conversation.blind(
            f"the list of profiles is longer than the {PAGES_AT_MOST * PAGE:,} of it that are read"
        )
    return ABSENT


def _page(reply: Reply) -> Page:
    rows = reply.thing
    if not reply.good:
        return Page((), 0, clock_of(reply), f"the list answered {reply.status}")
    if not isinstance(rows, list):
        return Page((), 0, clock_of(reply), "what came is no list")
    total = reply.json.get("total") if isinstance(reply.json, dict) else None
    return Page(
        tuple(row for row in rows if isinstance(row, dict)),
        total if isinstance(total, int) else len(rows),
        clock_of(reply),
    )
