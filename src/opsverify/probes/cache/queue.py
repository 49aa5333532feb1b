"""Which jobs are pending, and which failed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from opsverify.environment import Environment, Redis, Service
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes import http
from opsverify.probes.cache.reading import asking
from opsverify.probes.redis import ask_together, place, plain_words, url_of
from opsverify.records import book

IMPORTS = ("httpx", "opsverify.probes.bounded", "redis")
"""What is imported before the looks start, and not in their threads."""

REVIEWED = "failed jobs reviewed"
SINCE = ("enqueuedAt", "timestamp", "createdAt", "queuedAt")
"""Where a job says since when it waits: milliseconds since the epoch, or ISO 8601."""
LISTED_AT_MOST = 100
REVIEW_COVERS_HOURS = 24
"""A letter that names no task is taken for reviewed as long as the daily review is not due again."""


@dataclass(frozen=True, kw_only=True)
class Backlog(Snapshot):
    """The jobs that wait."""

    pending: int
    old: tuple[str, ...]
    """The oldest, if it has waited too long."""

    def measures(self) -> dict[str, float]:
        """How many, for the history."""
        return {"jobs_pending": float(self.pending)}


@dataclass(frozen=True, kw_only=True)
class Failed(Snapshot):
    """The jobs that failed, and nobody has looked at."""

    unreviewed: tuple[str, ...]


def backlog(environment: Environment, redis: Redis) -> Backlog:
    """Count the pending jobs, and see since when the oldest waits; it is at one end of the list or the other.

    Raises:
        CouldNotLook: the server did not answer, or the queue is no list.
    """
    url = url_of(environment, redis, of_queue=True)
    name = redis.queue
    commands = [("LLEN", name), ("LINDEX", name, "0"), ("LINDEX", name, "-1")]
    answers = asking(environment, url, lambda client: ask_together(client, commands))
    refused = next((one for one in answers if isinstance(one, Exception)), None)
    if refused is not None:
        raise CouldNotLook("redis", f"{name}: {plain_words(refused)}")
    pending, *ends = answers
    now = datetime.now(UTC)
    times = [at for end in ends if end is not None and (at := since_when(end)) is not None]
    at_most = environment.limits.oldest_job_at_most_seconds
    waited = (now - min(times)).total_seconds() if times else None
    said = "its age cannot be seen" if waited is None else f"the oldest waits for {waited:.0f} s"
    old = []
    if waited is not None and waited > at_most:
        old.append(Finding(f"{name}: {said}, expected at most {at_most:g} s", about=name))
    return Backlog(
        where=place(url),
        pending=int(pending),
        old=tuple(old),
        evidence=(
            Evidence(f"LLEN {name}", f"{place(url)}\n{pending} pending, {said if pending else 'none waits'}"),
        ),
    )


def since_when(job: bytes) -> datetime | None:
    """Since when a job waits, as far as it says so."""
    try:
        found = json.loads(job)
    except ValueError:
        return None
    for key in SINCE:
        value = found.get(key) if isinstance(found, dict) else None
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return datetime.fromtimestamp(value / 1000, UTC)
            if isinstance(value, str):
                at = datetime.fromisoformat(value)
                return at if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError, OSError):
            continue
    return None


def failed_jobs(environment: Environment, orchestrator: Service) -> Failed:
    """Count dead letters and failed tasks, less those that a review on record has seen.

    Raises:
        CouldNotLook: the orchestrator does not say, or records cannot be read.
    """
    letters, tasks, evidence = _asked(environment, orchestrator)
    reviewed, said = None, "no review is on record"
    if (letters or tasks) and environment.records is not None:
        proof = book(environment).proof(REVIEWED, datetime.now(UTC))
        said = proof.missing or str(proof.kept)
        reviewed = proof.kept.record.when if proof.kept is not None else None
    return Failed(
        where=orchestrator.address("/dlq/size"),
        unreviewed=unreviewed(letters, tasks, reviewed, datetime.now(UTC), said),
        evidence=(*evidence, Evidence(REVIEWED, said)),
    )


def unreviewed(
    letters: int,
    tasks: Iterable[tuple[str, datetime | None]],
    reviewed: datetime | None,
    now: datetime,
    said: str,
) -> tuple[str, ...]:
    """What nobody has looked at.

    Args:
        letters: how many dead letters there are.
        tasks: id of each failed task, and when it failed, where that is known.
        reviewed: when the last review was.
        now: the present moment.
        said: what is on record.
    """
    tasks = list(tasks)
    new = [(task, at) for task, at in tasks if reviewed is None or at is None or at > reviewed]
    found: list[str] = [
        Finding(
            f"task {one_line(task, at_most=60)} failed"
            f"{f' at {at:%Y-%m-%d %H:%M} UTC' if at else ''} ({said})",
            about=task,
        )
        for task, at in new[:LISTED_AT_MOST]
    ]
    others = max(letters - len(tasks), 0)
    covered = reviewed is not None and now - reviewed <= timedelta(hours=REVIEW_COVERS_HOURS)
    if others and not covered:
        found.append(Finding(f"{others:,} dead letters beside failed tasks ({said})", about="dead letters"))
    return tuple(found)


def _asked(
    environment: Environment, orchestrator: Service
) -> tuple[int, list[tuple[str, datetime | None]], tuple[Evidence, ...]]:
    size = _json(environment, orchestrator, "/dlq/size")
    listed = _json(environment, orchestrator, f"/tasks?status=failed&limit={LISTED_AT_MOST}")
    try:
        letters = int(size[0]["size"])
        tasks = [(str(one["id"]), _time(one.get("updatedAt"))) for one in listed[0]["data"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CouldNotLook(
            orchestrator.name, "what it says of failed jobs has another form", evidence=(size[1], listed[1])
        ) from None
    return letters, tasks, (size[1], listed[1])


def _json(environment: Environment, service: Service, path: str) -> tuple[Any, Evidence]:
    within = environment.limits.step_at_most_seconds
    exchange = http.get(service.address(path), within=within, ca=environment.path(service.ca))
    if exchange.unreachable is not None or exchange.status != 200:
        why = exchange.unreachable or f"{path.partition('?')[0]} answers {exchange.answer}"
        raise CouldNotLook(service.name, harmless(str(why)), evidence=(exchange.evidence,))
    try:
        return json.loads(exchange.body), exchange.evidence
    except ValueError:
        raise CouldNotLook(
            service.name, f"{path.partition('?')[0]} answers no JSON", evidence=(exchange.evidence,)
        ) from None


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
