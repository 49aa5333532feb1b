from __future__ import annotations

import pytest

from opsverify.probes.cache.figures import HitRate, Memory
from opsverify.probes.cache.lives import Lives


@pytest.mark.check(
    id="RED-01",
    runbook="caching-strategy",
    covers=["cache.how-often-it-helps"],
    severity="normal",
    stages=["nightly", "incident"],
    remedy="See which keys are looked up in vain: never written, expired too soon, or evicted (RED-03).",
)
def test_cache_is_hit(hit_rate: HitRate) -> None:
    """The cache's hit rate is at its limit or above, over the window that was measured."""
    assert hit_rate.percent >= hit_rate.at_least_percent


@pytest.mark.check(
    id="RED-02",
    runbook="caching-strategy",
    covers=["cache.taxonomy", "cache.profile-summary", "cache.search-results", "cache.rate-counters"],
    severity="normal",
    stages=["nightly"],
    remedy="Set the time to live where the key is written; those there are expire by EXPIRE, or by hand.",
)
def test_cached_keys_expire_in_time(cached_lives: Lives) -> None:
    """Every cached key of a data type expires within the time that its type may live."""
    assert cached_lives.too_long == ()


@pytest.mark.check(
    id="RED-03",
    runbook="vertical-scaling",
    covers=["emergency.empty-the-cache", "sizes.cache"],
    severity="normal",
    stages=["nightly", "incident"],
    remedy="Set maxmemory and its policy in the server's configuration; part cache and queue.",
)
def test_memory_is_bounded_and_the_queue_is_safe(cache_memory: Memory) -> None:
    """A memory limit is set and kept; neither eviction nor an emptied cache takes queue and counters."""
    assert cache_memory.limit == ()
    assert cache_memory.evicted == ()
    assert cache_memory.unsafe == ()
