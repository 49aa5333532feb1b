"""The availability recorder: asks what users ask, from before a deployment until after it.

An open loop: each request is sent when it is due, whatever became of those before it, so that a
stall costs as many requests as fall into it. What could not be sent when it was due is counted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsverify.evidence import one_line

if TYPE_CHECKING:
    import httpx

UNANSWERED_AT_MOST = 1000
"""Requests under way at a time, of one address: beyond that one counts as failed without being sent."""
SORTS_AT_MOST = 50
"""Sorts of failures that are told apart."""
LATE_SECONDS = 0.1
"""A request that is sent later than this after it was due counts as late."""


@dataclass(frozen=True)
class Watched:
    """An address that is asked again and again."""

    url: str
    ca: Path | None = None
    """Certificate authority to trust, beside the system's."""


@dataclass
class Failures:
    """Failed requests of one sort."""

    url: str
    why: str
    first: datetime
    last: datetime
    times: int = 1


@dataclass
class Tally:
    """What was seen so far."""

    started: datetime
    ended: datetime
    asked: int = 0
    failed: int = 0
    late: int = 0
    failures: dict[tuple[str, str], Failures] = field(default_factory=dict)

    def fail(self, url: str, why: str, at: datetime) -> None:
        """Count a failed request, under the moment it was due."""
        self.failed += 1
        sort = (url, why) if len(self.failures) < SORTS_AT_MOST else (url, "other reasons")
        known = self.failures.get(sort)
        if known is None:
            self.failures[sort] = Failures(sort[0], sort[1], at, at)
        else:
            known.times += 1
            known.first, known.last = min(known.first, at), max(known.last, at)


async def watch(
    watched: Sequence[Watched],
    *,
    every: float,
    within: float,
    at_most: float,
    until: asyncio.Event,
    tell: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Ask addresses until told to stop, or until the time is over; requests under way are waited for.

    Args:
        watched: the addresses, each asked at each beat.
        every: seconds between two beats.
        within: seconds for one answer.
        at_most: seconds for the whole.
        until: set by whoever ends it.
        tell: called about once a second.
    """
    import httpx

    loop = asyncio.get_running_loop()
    began, tally = loop.time(), Tally(datetime.now(UTC), datetime.now(UTC))
    under_way: dict[str, set[asyncio.Task[None]]] = {one.url: set() for one in watched}
    # a connection for each request, as a user who comes new has; none that a restart can cut unseen
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    clients = {
        ca: httpx.AsyncClient(verify=_trust(ca), limits=limits, timeout=within, trust_env=False)
        for ca in {one.ca for one in watched}
    }
    beat, told = 0, began
    try:
        while not until.is_set() and beat * every < at_most:
            due = began + beat * every
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), max(0.0, due - loop.time()))
            if until.is_set():
                break
            late = loop.time() - due > LATE_SECONDS
            for one in watched:
                tally.asked += 1
                tally.late += late
                tasks = under_way[one.url]
                if len(tasks) >= UNANSWERED_AT_MOST:
                    tally.fail(one.url, f"more than {UNANSWERED_AT_MOST} are unanswered", datetime.now(UTC))
                    continue
                task = asyncio.create_task(_ask(clients[one.ca], one.url, within, tally))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            beat += 1
            if loop.time() - told >= 1:
                told = loop.time()
                tell(tally)
        tally.ended = datetime.now(UTC)
        await asyncio.gather(*(task for tasks in under_way.values() for task in tasks))
    finally:
        for client in clients.values():
            await client.aclose()
    return tally


async def _ask(client: httpx.AsyncClient, url: str, within: float, tally: Tally) -> None:
    import httpx

    at = datetime.now(UTC)
    try:
        async with asyncio.timeout(within):  # all of it: httpx counts each step by itself
            answer = await client.get(url)
    except (TimeoutError, httpx.TimeoutException):
        tally.fail(url, f"no answer in {within:g} s", at)
    except httpx.HTTPError as error:
        tally.fail(url, _plain_words(error), at)
    else:
        if answer.status_code >= 400:
            tally.fail(url, f"status {answer.status_code}", at)


def _plain_words(error: httpx.HTTPError) -> str:
    import httpx

    if isinstance(error, httpx.ConnectError):
        return (
            "the connection was refused" if "All connection attempts" in str(error) else one_line(str(error))
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return "the connection was cut"
    return one_line(f"{type(error).__name__}: {error}")


def _trust(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(cafile=ca)
    return context
