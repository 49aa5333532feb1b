"""Faults that the checks of cache and queue must see."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial

from reference_platform import postgres, valkey
from reference_platform.faults.filling import fill
from reference_platform.faults.health import WORKER_OFF
from reference_platform.faults.model import Fault, Verb, only_on
from reference_platform.faults.verbs import both, restart_with
from reference_platform.state import QUEUE_DATABASE, Platform
from reference_platform.waiting import until

QUEUE = "orchestrator:queue"
DEAD_LETTERS = "orchestrator:dlq"
MARK = "backlog-of-a-fault"
BACKLOG = 1100
HOUR = 60 * 60


def miss() -> Verb:
    """All that is looked up in the cache is not there."""

    def reset(platform: Platform, key: str, times: int) -> None:
        with valkey.admin(platform) as client:
            client.config_resetstat()
        valkey.look_up(platform, key, times=times)

    return Verb(
        "nothing is found in the cache",
        lambda platform: reset(platform, "profile:nobody", valkey.WARM_LOOKUPS),
        lambda platform: reset(platform, valkey.WARMED_KEY, valkey.WARM_LOOKUPS),
    )


def cached(key: str, *, lives_seconds: int | None) -> Verb:
    """Something is cached for longer than it may be; None: for ever."""

    def do(platform: Platform) -> None:
        with valkey.admin(platform) as client:
            client.set(key, "{}", ex=lives_seconds)

    def undo(platform: Platform) -> None:
        with valkey.admin(platform) as client:
            client.delete(key)

    return Verb(f"{key} is cached for too long", do, undo)


def lift_memory_limit() -> Verb:
    """The server may take all the memory there is."""

    def put(platform: Platform, limit: str) -> None:
        with valkey.admin(platform) as client:
            client.config_set("maxmemory", limit)

    return Verb(
        "maxmemory is 0",
        lambda platform: put(platform, "0"),
        lambda platform: put(platform, valkey.MEMORY),
    )


def queue(words: str, *jobs: Mapping[str, object], key: str = QUEUE, database: int = QUEUE_DATABASE) -> Verb:
    """Jobs lie in a list."""

    def do(platform: Platform) -> None:
        now = int(time.time() * 1000)
        with valkey.admin(platform, database=database) as client:
            client.lpush(key, *(json.dumps({"enqueuedAt": now, **job}) for job in jobs))

    def undo(platform: Platform) -> None:
        with valkey.admin(platform, database=database) as client:
            kept = [job for job in client.lrange(key, 0, -1) if MARK.encode() not in job]
            client.delete(key)
            if kept:
                client.rpush(key, *kept)

    return Verb(words, do, undo)


def give_up_a_task() -> Verb:
    """A task that nobody can do was tried, and is among the dead letters."""
    waiting, given_up = (queue("a job was given up", {"id": MARK}, key=key) for key in (QUEUE, DEAD_LETTERS))

    def do(platform: Platform) -> None:
        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute(
                "INSERT INTO tasks (id, role, description, status) VALUES (%s, 'nobody', 'x', 'queued')",
                [MARK],
            )
        waiting.do(platform)
        until(lambda: _failed(platform), within=10, what="the task is given up")

    def undo(platform: Platform) -> None:
        for one in (waiting, given_up):
            one.undo(platform)
        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute("DELETE FROM tasks WHERE id = %s", [MARK])

    return Verb("a job was given up", do, undo)


def _failed(platform: Platform) -> bool:
    with postgres.admin(platform, postgres.DATABASE) as session:
        found = session.execute("SELECT status FROM tasks WHERE id = %s", [MARK]).fetchone()
    with valkey.admin(platform, database=QUEUE_DATABASE) as client:
        return found == ("failed",) and bool(client.llen(DEAD_LETTERS))


only = partial(only_on, "redis")

FAULTS = (
    Fault("RED-01", "misses only", miss(), only("RED-01")),
    Fault("RED-02", "no TTL", cached("profile:forgotten", lives_seconds=None), only("RED-02")),
    Fault("RED-02", "TTL too long", cached("search:forgotten", lives_seconds=2 * HOUR), only("RED-02")),
    Fault("RED-03", "no limit", lift_memory_limit(), only("RED-03")),
    Fault("RED-03", "evictions", fill(), only("RED-03")),
    Fault(
        "RED-03",
        "queue in the cache's database",
        queue("a job lies in the cache's database", {"id": MARK}, database=0),
        only("RED-03"),
    ),
    Fault(
        "RED-04",
        "backlog",
        both(
            "no worker runs, and jobs pile up",
            restart_with("orchestrator", "runs without its worker", {"ORCH_WORKER_ENABLED": "false"}),
            queue("jobs pile up", *[{"id": f"{MARK}-{number}"} for number in range(BACKLOG)]),
        ),
        only("RED-04") | WORKER_OFF,
    ),
    Fault(
        "RED-05",
        "dead letter",
        give_up_a_task(),
        frozenset({"RED-05[orchestrator]"}),
    ),
)
