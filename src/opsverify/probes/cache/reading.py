"""Two readings a second apart, then a sample of the keys with their time to live: read-only, and bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsverify.environment import Environment, Redis
from opsverify.looking import CouldNotLook
from opsverify.probes.redis import ask_together, open_client, place, plain_words, url_of

if TYPE_CHECKING:
    import redis as client_library

IMPORTS = ("redis",)
"""What is imported before the looks start, and not in their threads."""

WINDOW_SECONDS = 1.0
SAMPLED_AT_MOST = 2_000
"""Keys of a database. To ask for a key's time to live counts as a hit with the server."""
SAMPLED_WITHIN_SECONDS = 3.0
AT_A_TIME = 500

Info = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Some keys of a database, or all."""

    where: str
    keys: tuple[tuple[bytes, int], ...]
    """Each with its time to live in seconds: -1 has none."""
    held: int
    """How many keys the database holds."""

    @property
    def whole(self) -> bool:
        """Whether these are all."""
        return len(self.keys) >= self.held

    @property
    def said(self) -> str:
        """`all 12 keys`, `2,000 of 80,000 keys`."""
        return f"all {self.held:,} keys" if self.whole else f"{len(self.keys):,} of {self.held:,} keys"


@dataclass(frozen=True)
class Reading:
    """What the servers of cache and queue said."""

    where: str
    seconds: float
    """Between the first and the second."""
    first: Info
    second: Info
    cache: Sample
    queue: Sample | None
    """None: queue and counters are in the cache's database."""
    queue_info: Info
    """Of the server that holds queue and counters; often the same."""


def reading(environment: Environment, redis: Redis) -> Reading:
    """Read once a run, however many looks need a part of it.

    Raises:
        CouldNotLook: a variable is unset or points elsewhere, or a server did not answer.
    """
    found = environment.once(f"cache.{redis.url_from}", lambda: _read_or_refusal(environment, redis))
    if isinstance(found, CouldNotLook):
        raise found
    return found


def asking(environment: Environment, url: str, ask: Callable[[client_library.Redis], Any]) -> Any:
    """What came of asking a server.

    Raises:
        CouldNotLook: it did not answer, or refused.
    """
    import redis as client_library

    try:
        with open_client(url, within=environment.limits.redis_answer_at_most_seconds) as client:
            return ask(client)
    except (client_library.RedisError, OSError) as error:
        raise CouldNotLook("redis", plain_words(error)) from None


def _read_or_refusal(environment: Environment, redis: Redis) -> Reading | CouldNotLook:
    try:
        return _read(environment, redis)
    except CouldNotLook as refused:  # kept, so that nobody waits for the same silence again
        return refused


def _read(environment: Environment, redis: Redis) -> Reading:
    url, queue_url = (url_of(environment, redis, of_queue=of_queue) for of_queue in (False, True))

    def two_readings(client: client_library.Redis) -> tuple[Info, Info, float, Sample]:
        began = time.monotonic()
        first = _info(client)
        time.sleep(WINDOW_SECONDS)
        second = _info(client)
        seconds = time.monotonic() - began
        return first, second, seconds, _sample(client, place(url))

    first, second, seconds, cache = asking(environment, url, two_readings)
    queue, queue_info = None, second
    if place(queue_url) != place(url):
        queue_info, queue = asking(
            environment, queue_url, lambda client: (_info(client), _sample(client, place(queue_url)))
        )
    return Reading(place(url), seconds, first, second, cache, queue, queue_info)


def _info(client: client_library.Redis) -> Info:
    found: Info = _one(client, "INFO")
    return found


def _one(client: client_library.Redis, *command: str) -> Any:
    """The answer to one command."""
    (answer,) = ask_together(client, [command])
    if isinstance(answer, Exception):
        raise answer
    return answer


def _sample(client: client_library.Redis, where: str) -> Sample:
    held = int(_one(client, "DBSIZE"))
    keys: dict[bytes, int] = {}
    with _until(SAMPLED_WITHIN_SECONDS) as in_time:
        for some in _scan(client):
            lives = ask_together(client, [("TTL", key) for key in some])
            # -2: gone meanwhile
            keys |= {key: int(ttl) for key, ttl in zip(some, lives, strict=True) if _is_alive(ttl)}
            if len(keys) >= SAMPLED_AT_MOST or not in_time():
                break
    return Sample(where, tuple(keys.items()), max(held, len(keys)))


def _is_alive(ttl: object) -> bool:
    return isinstance(ttl, int) and ttl > -2


def _scan(client: client_library.Redis) -> Iterator[list[bytes]]:
    cursor = 0
    while True:
        cursor, keys = _one(client, "SCAN", str(cursor), "COUNT", str(AT_A_TIME))
        yield keys
        if int(cursor) == 0:
            return


@contextmanager
def _until(seconds: float) -> Iterator[Callable[[], bool]]:
    end = time.monotonic() + seconds
    yield lambda: time.monotonic() < end
