"""What is kept in Redis for a while, so that it need not be made again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from redis.asyncio import Redis

TAXONOMY_SECONDS = 60 * 60
PROFILE_SECONDS = 5 * 60
SEARCH_SECONDS = 15 * 60
COUNTER_SECONDS = 31 * 24 * 60 * 60
"""Time to live by kind of datum (runbook: caching-strategy)."""


class Cache:
    """Values by key, each with its time to live. Without Redis every look is a miss, and nothing fails.

    Args:
        store: where copies are kept, which may be emptied.
        counters: where uses are counted, which may not.
    """

    def __init__(self, store: Redis, counters: Redis) -> None:
        self._store = store
        self._counters = counters
        self.hits = 0
        self.misses = 0
        self.operations = 0
        """Commands sent so far."""

    async def get_or_make(self, key: str, seconds: int, make: Callable[[], Awaitable[Any]]) -> Any:
        """The kept value, or a new one that is then kept, unless it is None.

        Args:
            key: its name; the part before the first colon is the kind of datum.
            seconds: how long it is kept.
            make: makes it; a value that JSON has.
        """
        kept = await self._kept(key)
        if kept is not None:
            self.hits += 1
            return json.loads(kept)
        self.misses += 1
        value = await make()
        if value is not None:
            await self._quietly(lambda: self._store.set(key, json.dumps(value), ex=seconds))
        return value

    async def forget(self, *keys: str) -> None:
        """Remove values that are no longer true."""
        await self._quietly(lambda: self._store.delete(*keys))

    async def count(self, key: str) -> int:
        """Count a use, and say how many there were within the counter's time to live.

        Raises:
            redis.RedisError: it cannot be counted.
        """
        self.operations += 1
        async with self._counters.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, COUNTER_SECONDS, nx=True)
            number, _ = await pipe.execute()
        return int(number)

    async def _kept(self, key: str) -> str | None:
        kept = await self._quietly(lambda: self._store.get(key))
        return kept if isinstance(kept, str) else None

    async def _quietly(self, command: Callable[[], Awaitable[Any]]) -> Any:
        self.operations += 1
        try:
            return await command()
        except redis.RedisError:  # a cache that is away is an empty one
            return None
