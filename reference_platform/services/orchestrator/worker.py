"""The worker: takes one task after the other from the queue, and tries each a few times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import redis

from reference_platform.services.database import NoSession
from reference_platform.services.logs import ERROR, INFO, WARN, Log
from reference_platform.services.orchestrator.agents import WorkFailed, work
from reference_platform.services.orchestrator.tasks import AT_WORK, DEAD_LETTERS, QUEUE, Tasks, Ticket

if TYPE_CHECKING:
    from redis.asyncio import Redis

ATTEMPTS = 3
WAITS_SECONDS = 1
"""How long it waits for a task before it asks again."""
AGAIN_AFTER_SECONDS = 0.2


@dataclass
class Counts:
    """What the worker did since it started."""

    dispatched: int = 0
    completed: int = 0
    failed: int = 0
    retries: int = 0
    dead_letters: int = 0


class Worker:
    """Works off the queue, from start to stop.

    Args:
        tasks: all tasks.
        queue: a connection of its own, since waiting for a task occupies it.
        log: the service's.
    """

    def __init__(self, tasks: Tasks, queue: Redis, log: Log) -> None:
        self._tasks = tasks
        self._queue = queue
        self._log = log
        self.counts = Counts()

    async def run(self) -> None:
        """Work until cancelled. A task at work when the process ends is taken up by the next one."""
        await self._take_up()
        while True:
            try:
                taken = await self._queue.blmove(QUEUE, AT_WORK, WAITS_SECONDS, "RIGHT", "LEFT")
                if taken is not None:
                    await self._attempt(str(taken))
            except (redis.RedisError, NoSession, psycopg.OperationalError) as error:
                self._log.write(WARN, "the worker waits for a dependency", err={"message": str(error)})
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
                await self._take_up()

    async def _take_up(self) -> None:
        """Put back what was at work when it was interrupted."""
        while True:
            try:
                while await self._queue.lmove(AT_WORK, QUEUE, "RIGHT", "RIGHT") is not None:
                    self._log.write(INFO, "an interrupted task is queued again")
            except redis.RedisError:
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
            else:
                return

    async def _attempt(self, taken: str) -> None:
        """Work on a task once.

        Raises:
            redis.RedisError, NoSession, psycopg.OperationalError: a dependency went away; it is not over.
        """
        try:
            ticket = Ticket.loads(taken)
        except (ValueError, KeyError, TypeError):
            self._log.write(ERROR, "what lies in the queue is no task")
            await self._bury(taken)
            return
        task = await self._tasks.begin(ticket.id)
        if task is None:  # deleted meanwhile
            await self._queue.lrem(AT_WORK, 1, taken)
            return
        self.counts.dispatched += 1
        try:
            await self._tasks.end(ticket.id, "completed", result=work(task["role"], task["description"]))
        except psycopg.OperationalError:
            raise
        except (WorkFailed, psycopg.Error) as error:
            await self._failed(taken, ticket, task["attempts"], str(error))
            return
        self.counts.completed += 1
        await self._queue.lrem(AT_WORK, 1, taken)
        self._log.write(INFO, "task completed", taskId=ticket.id)

    async def _failed(self, taken: str, ticket: Ticket, attempts: int, why: str) -> None:
        """Queue a task again, or give it up after its last attempt."""
        if attempts < ATTEMPTS:
            self.counts.retries += 1
            await self._tasks.end(ticket.id, "queued", error=why)
            await self._queue.lmove(AT_WORK, QUEUE, "LEFT", "LEFT")
            return
        self.counts.failed += 1
        await self._tasks.end(ticket.id, "failed", error=why)
        await self._bury(taken)
        self._log.write(ERROR, "task failed", taskId=ticket.id, err={"message": why})

    async def _bury(self, taken: str) -> None:
        self.counts.dead_letters += 1
        async with self._queue.pipeline(transaction=True) as pipe:
            pipe.lrem(AT_WORK, 1, taken)
            pipe.lpush(DEAD_LETTERS, taken)
            await pipe.execute()
