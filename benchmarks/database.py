"""All questions of the database checks against one bare SELECT 1, over a connection with long round trips."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.figure import Figure, NotMeasured
from benchmarks.processes import say
from opsverify.environment import Limits
from opsverify.probes.database import questions
from opsverify.probes.database.asking import ask
from opsverify.probes.postgres import open_session
from reference_platform.lifecycle import on_demand

ROUND_TRIP_MS = 20
ROUNDS = 9
ENDS_WITHIN_SECONDS = 5
ROUND_TRIPS_AT_MOST = 2
SLACK = 1.0
"""Of a round trip: what the server takes to answer, and this process to read."""


def database_look() -> Figure:
    """Seconds of all questions over those of `SELECT 1`, on an open session: at most two round trips."""
    with (
        tempfile.TemporaryDirectory() as name,
        on_demand(Path(name) / "none") as platform,
        delaying(platform.settings.ports["postgres"], ROUND_TRIP_MS / 1000) as port,
    ):
        login = conninfo_to_dict(platform.settings.dsn) | {"port": str(port)}
        with open_session(login, within=5) as session:
            bare = _median_seconds(lambda: session.execute("SELECT 1").fetchone())
            whole = _median_seconds(lambda: _look(session))
    asked = len(questions.first(Limits())) + 1
    say(
        f"{asked} questions {whole * 1000:.1f} ms, SELECT 1 {bare * 1000:.1f} ms after connecting,"
        f" over {ROUND_TRIP_MS} ms round trips"
    )
    return Figure(f"db-look-{ROUND_TRIP_MS}ms", whole / bare, ROUND_TRIPS_AT_MOST + SLACK)


def _look(session: psycopg.Connection[tuple[object, ...]]) -> None:
    found = ask(session, questions.first(Limits()))
    more = questions.second(found)
    if not more:
        raise NotMeasured("there are no statistics of statements, so only one round was asked")
    ask(session, more)


def _median_seconds(ask_once: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask_once()
        took.append(time.perf_counter() - began)
    return median(took)


@contextmanager
def delaying(port: int, seconds: float) -> Iterator[int]:
    """The port of a proxy on loopback to another, by which each round trip takes so much longer."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_serve(port, seconds / 2))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(port: int, delay: float) -> asyncio.Server:
    async def carry(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, asked = await asyncio.open_connection("127.0.0.1", port)
        ways = (_pass_on(client, asked, delay), _pass_on(server, answers, delay))
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (asked, answers):
            end.close()
            await end.wait_closed()

    return await asyncio.start_server(carry, "127.0.0.1", 0)


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
    """Each piece later by the delay, and none waits for the one before."""
    loop = asyncio.get_running_loop()
    while piece := await source.read(65_536):
        loop.call_later(delay, target.write, piece)
    loop.call_later(delay, target.close)


async def _close(server: asyncio.Server) -> None:
    """When both ends have hung up, as they have by now."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=ENDS_WITHIN_SECONDS)
