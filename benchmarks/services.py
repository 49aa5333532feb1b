"""Services to look at: real HTTP servers on loopback, in a process of their own, with an added delay.

Every service has an address of its own. One process with one event loop serves them all: it does
nothing but wait and write bytes that are ready, several thousand answers a second.

As a program: `python -m benchmarks.services COUNT DELAY_MS` prints the ports as JSON and serves
until its stdin ends, so it outlives nobody.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import cast

ROOT = Path(__file__).parents[1]
HEALTH, READY, METRICS = "/health", "/ready", "/metrics"
BACKLOG = 512
ASKED_ALONE = 7
"""Times each path is asked alone; the median counts."""


def _exposition() -> str:
    """A metrics page in the shape that services of the platform have: counters, a gauge, a histogram."""
    lines = ["# HELP http_requests_total Requests answered.", "# TYPE http_requests_total counter"]
    lines += [
        f'http_requests_total{{method="{method}",status="{status}"}} 42'
        for method in ("GET", "POST", "PUT", "DELETE")
        for status in (200, 404, 500)
    ]
    lines += ["# TYPE process_resident_memory_bytes gauge", "process_resident_memory_bytes 73400320"]
    name = "http_request_duration_seconds"
    lines += [f"# HELP {name} Time to answer.", f"# TYPE {name} histogram"]
    bounds = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
    lines += [f'{name}_bucket{{le="{bound}"}} {10 * number}' for number, bound in enumerate(bounds, 1)]
    lines += [f"{name}_sum 12.5", f"{name}_count {10 * len(bounds)}"]
    return "\n".join(lines) + "\n"


@lru_cache
def _answer(path: bytes) -> bytes:
    """The whole answer on a path, as bytes."""
    bodies = {
        HEALTH: ("application/json", '{"status": "healthy", "uptime": 12345}'),
        READY: ("application/json", '{"status": "ready", "checks": {"postgres": true, "redis": true}}'),
        METRICS: ("text/plain; version=0.0.4", _exposition()),
    }
    kind, body = bodies[path.decode()]
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"{head}\r\n\r\n{body}".encode()


class _Conversation(asyncio.Protocol):
    """One request, one answer, and the connection is closed."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if not self._asked.endswith(b"\r\n\r\n"):
            return
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._say)
        else:
            self._say()

    def _say(self) -> None:
        self._transport.write(_answer(self._asked.split(b" ", 2)[1]))
        self._transport.close()


async def _serve(count: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: _Conversation(delay), "127.0.0.1", 0, backlog=BACKLOG)
        for _ in range(count)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving(count: int, *, delay_ms: int) -> Iterator[list[int]]:
    """So many services on ports of their own, each answer `delay_ms` later than it could be; their ports."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.services", str(count), str(delay_ms)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.terminate()


def seconds_alone(port: int, path: str) -> float:
    """What one answer takes when nothing else is asked: the median of several, connecting included."""
    took = []
    for _ in range(ASKED_ALONE):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()
        took.append(time.perf_counter() - began)
    return median(took)


def main() -> None:
    """Serve as the arguments say, until stdin ends."""
    count, delay_ms = map(int, sys.argv[1:3])
    asyncio.run(_serve(count, delay_ms / 1000))


if __name__ == "__main__":
    main()
