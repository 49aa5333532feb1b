"""Filling the cache beyond its memory, again and again: a process of its own that does nothing else."""

from __future__ import annotations

import itertools
import os
import sys

from reference_platform import valkey
from reference_platform.faults.model import Verb
from reference_platform.launching import CLONE
from reference_platform.processes import MARK, Program, stop
from reference_platform.state import Platform
from reference_platform.waiting import until

NAME = "filling"
BYTES = 1024 * 1024
KEYS = 256
"""Twice as many as there is room for."""
LIVES_SECONDS = 60
PAUSE_SECONDS = 0.02


def fill() -> Verb:
    """More is written to the cache than it has room for, and what is there goes."""

    def do(platform: Platform) -> None:
        process = Program(
            command=(sys.executable, "-m", __name__),
            folder=platform.state,
            variables={
                MARK: platform.entry.id,
                "REDIS_URL": platform.settings.redis_url,
                "PYTHONPATH": str(CLONE),
            },
            output=platform.log(NAME),
        ).start()
        platform.entry.remember(NAME, process)
        before = evicted(platform)
        until(lambda: evicted(platform) > before, within=20, what="keys are evicted")

    def undo(platform: Platform) -> None:
        process = platform.process(NAME)
        if process is not None:
            stop([process])
        platform.entry.forget(NAME)
        with valkey.admin(platform) as client:
            for key in client.scan_iter("search:filling:*"):
                client.delete(key)

    return Verb("the cache is too small for what is written to it", do, undo)


def evicted(platform: Platform) -> int:
    """Keys evicted since the server counts."""
    with valkey.admin(platform) as client:
        return int(client.info("stats")["evicted_keys"])


def write(url: str) -> None:
    """Write large values, each in its turn anew. Never returns."""
    import time

    import redis

    value = b"x" * BYTES
    with redis.Redis.from_url(url, protocol=2) as client:
        for number in itertools.cycle(range(KEYS)):
            client.set(f"search:filling:{number}", value, ex=LIVES_SECONDS)
            time.sleep(PAUSE_SECONDS if number % 4 == 0 else 0)


if __name__ == "__main__":
    write(os.environ["REDIS_URL"])
