"""What cache and queue say of themselves: bounded, read-only, and with keys that are no text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis as client_library

from opsverify.environment import CachedKeys, Environment, Redis
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.probes import redis
from opsverify.probes.cache import figures, lives, queue
from opsverify.probes.cache.patterns import matches
from opsverify.probes.cache.reading import SAMPLED_AT_MOST, reading
from reference_platform import valkey
from reference_platform.state import Platform

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def client(platform: Platform) -> Iterator[client_library.Redis]:
    """The upkeep's client of the cache; what a test leaves under `search:test` goes."""
    with valkey.admin(platform) as admin:
        yield admin
        for key in admin.scan_iter("search:test*", count=1000):
            admin.delete(key)


def fresh(platform: Platform) -> tuple[Environment, Redis]:
    """The environment afresh: what one run has read is not read again."""
    environment = load(Path(platform.environment))
    assert environment.redis is not None
    return environment, environment.redis


@pytest.mark.parametrize(
    ("pattern", "key", "fits"),
    [
        ("profile:*", b"profile:\xff\x00\n", True),
        ("profile:*", b"a profile:1", False),
        ("a?c", b"abc", True),
        ("a[b-d]c", b"acc", True),
        ("a[^b]c", b"abc", False),
        ("a\\*c", b"a*c", True),
        ("a\\*c", b"abc", False),
        ("a.c", b"abc", False),
        ("a[c", b"a[c", True),
        ("*", b"", True),
    ],
)
def test_a_pattern_is_redis_own(pattern: str, key: bytes, fits: bool) -> None:
    """Signs mean what they mean there, and keys are bytes."""
    assert matches(pattern, key) is fits


def test_a_sample_is_bounded_and_says_so(platform: Platform, client: client_library.Redis) -> None:
    """Of many keys some are read, by SCAN; a binary key that never expires is found and shown harmless."""
    with client.pipeline(transaction=False) as pipe:
        for number in range(4 * SAMPLED_AT_MOST):
            pipe.set(b"search:test\x1b\xff%d" % number, b"x")
        pipe.execute()
    client.config_resetstat()
    environment, declared = fresh(platform)
    found = lives.lives(environment, declared)
    sent = client.info("commandstats")
    seen = reading(environment, declared)
    valkey.look_up(platform, valkey.WARMED_KEY, times=valkey.WARM_LOOKUPS)
    assert len(seen.cache.keys) < 2 * SAMPLED_AT_MOST
    assert seen.cache.held >= 4 * SAMPLED_AT_MOST
    assert "never expire, such as search:test\\x1b" in found.too_long[0]
    assert "\x1b" not in repr(found)
    assert {"cmdstat_keys", "cmdstat_flushdb", "cmdstat_config|set"} & set(sent) == set()


def test_commands_sent_together_are_each_checked(platform: Platform) -> None:
    """One that writes among them: none is sent."""
    with redis.open_client(platform.settings.redis_url, within=2) as asking:
        with pytest.raises(redis.Refused, match="SET"):
            redis.ask_together(asking, [("DBSIZE",), ("SET", "a", "b")])
        with pytest.raises(redis.Refused):
            asking.transaction(lambda pipe: None)
        assert redis.ask_together(asking, [("EXISTS", "a")] * 0 + [("TTL", "a")]) == [-2]


def test_without_a_limit_there_is_no_verdict(platform: Platform) -> None:
    """The runbook names no rate; and too few lookups have none."""
    environment, declared = fresh(platform)
    bare = environment.limits.model_copy(update={"cache_hit_rate_at_least_percent": None})
    with pytest.raises(CouldNotLook, match="no limit is set"):
        figures.hit_rate(environment.model_copy(update={"limits": bare}), declared)
    many = environment.limits.model_copy(update={"cache_lookups_at_least": 10**9})
    with pytest.raises(CouldNotLook, match="too few lookups") as refused:
        figures.hit_rate(environment.model_copy(update={"limits": many}), declared)
    assert "expected 1,000,000,000" in (refused.value.remedy or "")


def test_one_database_for_both_is_not_safe(platform: Platform) -> None:
    """Where nothing else is declared, the queue is where the cache is."""
    environment, declared = fresh(platform)
    together = declared.model_copy(update={"queue_url_from": None})
    found = figures.memory(environment, together)
    assert "FLUSHDB would take them" in found.unsafe[0]


def test_a_queue_that_is_no_list_is_no_empty_one(platform: Platform) -> None:
    """Another type is an error of the server's, and could not be looked at."""
    environment, declared = fresh(platform)
    with valkey.admin(platform, database=1) as admin:
        admin.set("not:a:list", "x")
        try:
            with pytest.raises(CouldNotLook, match="WRONGTYPE"):
                queue.backlog(environment, declared.model_copy(update={"queue": "not:a:list"}))
        finally:
            admin.delete("not:a:list")


def test_an_old_job_is_seen_at_either_end(platform: Platform) -> None:
    """Whichever end new jobs are put at; and one that does not say since when is not judged."""
    environment, declared = fresh(platform)
    apart = declared.model_copy(update={"queue": "jobs:test"})
    old = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000)
    with valkey.admin(platform, database=1) as admin:
        for jobs in ([f'{{"enqueuedAt": {old}}}', "{}"], ["{}", f'{{"enqueuedAt": {old}}}'], ["{}", b"\xff"]):
            admin.rpush("jobs:test", *jobs)
            found = queue.backlog(environment, apart)
            admin.delete("jobs:test")
            assert (found.pending, len(found.old)) == (2, 1 if str(old) in str(jobs) else 0)


@pytest.mark.parametrize(
    ("job", "at"),
    [
        (b'{"enqueuedAt": 1764000000000}', datetime.fromtimestamp(1764000000, UTC)),
        (b'{"timestamp": "2026-11-24T12:00:00Z"}', NOW),
        (b'{"createdAt": "2026-11-24T12:00:00"}', NOW),
        (b'{"enqueuedAt": 1e300}', None),
        (b'{"enqueuedAt": true}', None),
        (b"[]", None),
        (b"\xff", None),
    ],
)
def test_since_when_a_job_waits(job: bytes, at: datetime | None) -> None:
    """In milliseconds or as a date; anything else says nothing."""
    assert queue.since_when(job) == at


def test_what_failed_after_the_review_is_not_reviewed() -> None:
    """By the time of each task; a letter of no task counts as reviewed for a day."""
    tasks = [("old", NOW - timedelta(hours=30)), ("new", NOW - timedelta(hours=1)), ("odd", None)]
    reviewed = NOW - timedelta(hours=2)
    found = queue.unreviewed(3, tasks, reviewed, NOW, "by sre-on-call")
    assert [one.partition(" failed")[0] for one in found] == ["task new", "task odd"]
    assert queue.unreviewed(4, tasks[:1], reviewed, NOW, "") == ()
    assert len(queue.unreviewed(4, tasks[:1], NOW - timedelta(hours=25), NOW, "")) == 1
    assert len(queue.unreviewed(1, [], None, NOW, "no review is on record")) == 1
    assert queue.unreviewed(0, [], None, NOW, "") == ()


def test_of_several_patterns_the_first_counts() -> None:
    """A kind of its own can be taken out of a wider one."""
    kinds = [
        CachedKeys(pattern="profile:kept:*", ttl_at_most_seconds=10_000),
        CachedKeys(pattern="profile:*", ttl_at_most_seconds=300),
    ]
    keys = [(b"profile:kept:1", 9_000), (b"profile:1", 301), (b"profile:2", -1), (b"other", -1)]
    counted, found = lives.judged(keys, kinds)
    assert dict(counted) == {"profile:kept:*": 1, "profile:*": 2}
    assert [one.about for one in found] == ["profile:*", "profile:*"]
