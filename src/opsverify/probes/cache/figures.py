"""How often the cache helps, and whether its memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsverify.environment import Environment, Redis
from opsverify.evidence import Evidence, one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.cache.patterns import matches
from opsverify.probes.cache.reading import Info, Reading, reading

IMPORTS = ("redis",)
"""What is imported before the looks start, and not in their threads."""

MEGABYTE = 1024 * 1024
DAY = 86_400
SHOWN = (
    *("redis_version", "uptime_in_seconds", "maxmemory", "maxmemory_policy", "used_memory"),
    *("keyspace_hits", "keyspace_misses", "evicted_keys", "expired_keys"),
)


@dataclass(frozen=True, kw_only=True)
class HitRate(Snapshot):
    """How many lookups found what they looked for."""

    percent: float
    at_least_percent: float
    """As the environment has it."""

    def measures(self) -> dict[str, float]:
        """The rate, for the history."""
        return {"hit_rate_percent": self.percent}


@dataclass(frozen=True, kw_only=True)
class Memory(Snapshot):
    """Whether memory is bounded, and what may be lost when it is full or the cache is emptied."""

    limit: tuple[str, ...]
    """What is wrong with the limit."""
    evicted: tuple[str, ...]
    unsafe: tuple[str, ...]
    """Queue or counters that an eviction or an emptied cache would take."""


def hit_rate(environment: Environment, redis: Redis) -> HitRate:
    """Count hits and misses between two readings, or since the server counts where those are too few.

    Raises:
        CouldNotLook: no limit is set, there were too few lookups, or the server did not answer.
    """
    limits = environment.limits
    if limits.cache_hit_rate_at_least_percent is None:
        raise CouldNotLook(
            "redis",
            "no limit is set for the hit rate",
            remedy="Set limits.cache_hit_rate_at_least_percent, or declare a gap for this check.",
        )
    seen = reading(environment, redis)
    between = _lookups(seen.second, since=seen.first)
    whole = _lookups(seen.second)
    since = int(seen.second["uptime_in_seconds"])
    young = since <= limits.cache_statistics_at_most_days_old * DAY
    at_least = limits.cache_lookups_at_least
    lines = (
        f"{sum(between):,} lookups in {seen.seconds:.1f} s, {between[0]:,} of them hits",
        f"{sum(whole):,} lookups in at most {since / 3600:.1f} h, {whole[0]:,} of them hits",
    )
    if sum(between) >= at_least:
        used, window = between, f"in {seen.seconds:.1f} s"
    elif young and sum(whole) >= at_least:
        used, window = whole, f"in at most {since / 3600:.1f} h"
    else:
        raise CouldNotLook(
            "redis",
            "too few lookups to have a hit rate",
            remedy=f"There were {lines[0]}; expected {at_least:,}. Ask again while the cache is in use.",
            evidence=(Evidence("INFO", "\n".join(lines)),),
        )
    return HitRate(
        where=seen.where,
        percent=round(100 * used[0] / sum(used), 1),
        at_least_percent=limits.cache_hit_rate_at_least_percent,
        evidence=(Evidence("INFO", "\n".join((f"judged: those {window}", *lines))),),
    )


def memory(environment: Environment, redis: Redis) -> Memory:
    """See the limit, what was evicted between two readings, and where queue and counters are.

    Raises:
        CouldNotLook: the server did not answer.
    """
    seen = reading(environment, redis)
    at_least = environment.limits.cache_memory_at_least_megabytes
    evicted = int(seen.second["evicted_keys"]) - int(seen.first["evicted_keys"])
    found = [f"{evicted:,} keys evicted in {seen.seconds:.1f} s, expected 0; raise maxmemory"]
    return Memory(
        where=seen.where,
        limit=tuple(_limit(seen.second, at_least)),
        evicted=tuple(found if evicted > 0 else []),
        unsafe=tuple(_unsafe(redis, seen)),
        evidence=(Evidence("INFO", _shown(seen)),),
    )


def _lookups(info: Info, since: Info | None = None) -> tuple[int, int]:
    """Hits and misses."""
    hits, misses = (
        int(info[name]) - (int(since[name]) if since else 0) for name in ("keyspace_hits", "keyspace_misses")
    )
    return max(hits, 0), max(misses, 0)


def _limit(info: Info, at_least: float) -> Iterator[Finding]:
    limit, used = int(info["maxmemory"]), int(info["used_memory"])
    set_it = f"CONFIG SET maxmemory {at_least:g}mb"
    if limit == 0:
        yield Finding(f"maxmemory is not set, expected at least {at_least:g} MB; {set_it}", about="maxmemory")
    elif limit < at_least * MEGABYTE:
        text = f"maxmemory is {limit / MEGABYTE:.0f} MB, expected at least {at_least:g} MB; {set_it}"
        yield Finding(text, about="maxmemory")
    if 0 < limit < used:
        text = f"{used / MEGABYTE:.0f} MB are used, expected at most {limit / MEGABYTE:.0f} MB"
        yield Finding(text, about="used_memory")


def _unsafe(redis: Redis, seen: Reading) -> Iterator[Finding]:
    policy = one_line(str(seen.queue_info["maxmemory_policy"]))
    if policy not in redis.policies and int(seen.queue_info["maxmemory"]) > 0:
        yield Finding(
            f"maxmemory_policy is {policy}, under which queue and counters can be evicted, expected"
            f" {' or '.join(redis.policies)}; CONFIG SET maxmemory-policy {(*redis.policies, '…')[-2]}",
            about="maxmemory_policy",
        )
    if seen.queue is None:
        yield Finding(
            f"queue and counters are in the cache's database ({seen.where}), and FLUSHDB would take them;"
            " give them one of their own, and name it by queue_url_from",
            about="queue",
        )
        return
    lasting = [key for key, _ in seen.cache.keys if any(matches(one, key) for one in redis.lasting)]
    if lasting:
        yield Finding(
            f"{len(lasting):,} keys such as {one_line(lasting[0], at_most=80)} are in the cache's database"
            f" ({seen.where}), and FLUSHDB would take them",
            about="queue",
        )


def _shown(seen: Reading) -> str:
    lines = [f"{name}: {one_line(str(seen.second.get(name, '')))}" for name in SHOWN]
    return "\n".join([seen.where, *lines, f"sample: {seen.cache.said}"])
