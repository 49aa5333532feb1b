"""Tasks: where they stand is in PostgreSQL, which are waiting is a list in Redis."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from reference_platform.services.bodies import Json
from reference_platform.services.database import Database
from reference_platform.services.errors import Refused

if TYPE_CHECKING:
    from redis.asyncio import Redis

QUEUE = "orchestrator:queue"
AT_WORK = "orchestrator:processing"
DEAD_LETTERS = "orchestrator:dlq"

Status = Literal["queued", "running", "completed", "failed"]
STATUSES: tuple[Status, ...] = ("queued", "running", "completed", "failed")


@dataclass(frozen=True)
class Ticket:
    """What lies in the queue for a task."""

    id: str
    enqueued_at: float
    """Seconds since the epoch."""

    def dumps(self) -> str:
        """Its form in Redis."""
        return json.dumps({"id": self.id, "enqueuedAt": int(self.enqueued_at * 1000)})

    @classmethod
    def loads(cls, text: str) -> Ticket:
        """Read it back.

        Raises:
            ValueError, KeyError, TypeError: it is none of ours.
        """
        found = json.loads(text)
        return cls(str(found["id"]), float(found["enqueuedAt"]) / 1000)


@dataclass(frozen=True)
class Tasks:
    """All tasks."""

    database: Database
    queue: Redis

    async def add(self, task: str, role: str, description: str, run: str) -> int:
        """Write a task down and put it into the queue; how many wait then.

        Raises:
            Refused: 409, there is one with this id.
        """
        try:
            await self.database.rows(
                "WITH run AS (INSERT INTO runs (id, status) VALUES (%s, 'queued')"
                " ON CONFLICT (id) DO UPDATE SET updated_at = now() RETURNING id)"
                " INSERT INTO tasks (id, role, description, status, run_id)"
                " SELECT %s, %s, %s, 'queued', id FROM run",
                *(run, task, role, description),
            )
        except psycopg.errors.UniqueViolation:
            raise Refused(409, "conflict", "there is a task with this id") from None
        return int(await self.queue.lpush(QUEUE, Ticket(task, time.time()).dumps()))

    async def get(self, task: str) -> Json | None:
        """A task as it is answered, or None."""
        rows = await self.database.rows("SELECT * FROM tasks WHERE id = %s", task)
        return shown(rows[0]) if rows else None

    async def find(self, status: str | None, limit: int) -> list[Json]:
        """The newest tasks, of one status or of all."""
        rows = await self.database.rows(
            "SELECT * FROM tasks WHERE %s::text IS NULL OR status = %s ORDER BY created_at DESC LIMIT %s",
            *(status, status, limit),
        )
        return [*map(shown, rows)]

    async def begin(self, task: str) -> Json | None:
        """Note that a task is being worked on; the task, or None when there is none."""
        rows = await self.database.rows(
            "UPDATE tasks SET status = 'running', attempts = attempts + 1, updated_at = now()"
            " WHERE id = %s RETURNING *",
            task,
        )
        if not rows:
            return None
        await self._note_run(task, "running")
        return shown(rows[0])

    async def end(
        self, task: str, status: Status, *, result: object = None, error: str | None = None
    ) -> None:
        """Note how an attempt ended.

        Raises:
            psycopg.Error: the database does not take it.
        """
        await self.database.rows(
            "UPDATE tasks SET status = %s, result = %s, error = %s, updated_at = now() WHERE id = %s",
            *(status, Jsonb(result), error, task),
        )
        await self._note_run(task, status)

    async def waiting(self) -> int:
        """How many wait in the queue."""
        if not await self.queue.dbsize():  # asking for a list that is not there would count as a miss
            return 0
        return int(await self.queue.llen(QUEUE))

    async def known(self) -> int:
        """How many are written down."""
        rows = await self.database.rows("SELECT count(*) AS number FROM tasks")
        return int(rows[0]["number"])

    async def _note_run(self, task: str, status: Status) -> None:
        await self.database.rows(
            "UPDATE runs SET status = %s, updated_at = now()"
            " WHERE id = (SELECT run_id FROM tasks WHERE id = %s)",
            *(status, task),
        )


def shown(row: dict[str, Any]) -> Json:
    """A row of tasks as it is answered."""
    return {
        "id": row["id"],
        "runId": row["run_id"],
        "role": row["role"],
        "description": row["description"],
        "status": row["status"],
        "attempts": row["attempts"],
        "result": row["result"],
        "error": row["error"],
        "createdAt": row["created_at"].isoformat().replace("+00:00", "Z"),
        "updatedAt": row["updated_at"].isoformat().replace("+00:00", "Z"),
    }
