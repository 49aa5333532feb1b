"""How long what is cached may live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from opsverify.environment import CachedKeys, Environment, Redis
from opsverify.evidence import Evidence, one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.cache.patterns import matches
from opsverify.probes.cache.reading import reading

IMPORTS = ("redis",)
"""What is imported before the looks start, and not in their threads."""

NEVER = -1


@dataclass(frozen=True, kw_only=True)
class Lives(Snapshot):
    """Kinds of keys that live longer than they may."""

    too_long: tuple[str, ...]
    """`profile:*: 3 of 40 never expire, such as profile:7, expected at most 300 s`."""


def lives(environment: Environment, redis: Redis) -> Lives:
    """See how long the keys of each kind live, in a sample of those there are.

    Raises:
        CouldNotLook: the server did not answer; or the sample is a part, and holds none of these keys.
    """
    seen = reading(environment, redis)
    samples = [seen.cache, *([seen.queue] if seen.queue is not None else [])]
    keys = [key for sample in samples for key in sample.keys]
    counted, too_long = judged(keys, redis.keys)
    lines = [f"{sample.where}: {sample.said}" for sample in samples]
    lines += [
        f"{one.pattern}: {counted[one.pattern]:,} keys, at most {one.ttl_at_most_seconds:g} s"
        for one in redis.keys
    ]
    evidence = (Evidence("TTL", "\n".join(lines)),)
    if not counted and not all(sample.whole for sample in samples):
        raise CouldNotLook(
            "redis",
            "the sample holds no key of the kinds that are declared",
            remedy="Correct the patterns of [[redis.keys]].",
            evidence=evidence,
        )
    return Lives(where=seen.where, too_long=too_long, evidence=evidence)


def judged(
    keys: Iterable[tuple[bytes, int]], kinds: Iterable[CachedKeys]
) -> tuple[Counter[str], tuple[Finding, ...]]:
    """Which kinds of keys live too long.

    Args:
        keys: each with its time to live in seconds, -1 for ever.
        kinds: of several that a key matches, the first counts.

    Returns:
        How many keys of each kind there were, and the findings.
    """
    counted: Counter[str] = Counter()
    kinds = tuple(kinds)
    never: dict[str, list[bytes]] = {}
    long: dict[str, list[tuple[int, bytes]]] = {}
    for key, ttl in keys:
        kind = next((one for one in kinds if matches(one.pattern, key)), None)
        if kind is None:
            continue
        counted[kind.pattern] += 1
        if ttl == NEVER:
            never.setdefault(kind.pattern, []).append(key)
        elif ttl > kind.ttl_at_most_seconds:
            long.setdefault(kind.pattern, []).append((ttl, key))
    found = []
    for kind in kinds:
        of = counted[kind.pattern]
        expected = (
            f"expected at most {kind.ttl_at_most_seconds:g} s; EXPIRE it by {kind.ttl_at_most_seconds:g}"
        )
        if those := never.get(kind.pattern):
            such = f"such as {_shown(those[0])}"
            text = f"{kind.pattern}: {len(those):,} of {of:,} never expire, {such}, {expected}"
            found.append(Finding(text, about=kind.pattern))
        if longest := long.get(kind.pattern):
            ttl, key = max(longest)
            such = f"such as {_shown(key)}"
            text = f"{kind.pattern}: {len(longest):,} of {of:,} live up to {ttl:,} s, {such}, {expected}"
            found.append(Finding(text, about=kind.pattern))
    return counted, tuple(found)


def _shown(key: bytes) -> str:
    return one_line(key, at_most=80)
