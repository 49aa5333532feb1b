"""The orchestrator's endpoints."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_platform.services.asked import page
from reference_platform.services.bodies import Body, read
from reference_platform.services.errors import invalid, not_found
from reference_platform.services.orchestrator.tasks import DEAD_LETTERS, STATUSES, Tasks

if TYPE_CHECKING:
    from redis.asyncio import Redis

A_MINUTE = 20
"""Tasks that one client may give in a minute."""

Text = Annotated[str, Field(min_length=1, max_length=10_000)]


class NewTask(Body):
    """What a client sends to have something done."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    role: Annotated[str, Field(min_length=1, max_length=100)]
    description: Text
    run_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


def routes(tasks: Tasks, redis: Redis) -> list[Route]:
    """Endpoints for tasks, runs and dead letters."""

    async def create(request: Request) -> Response:
        """Take a task."""
        waits = await _seconds_to_wait(redis, request.client.host if request.client else "unknown")
        if waits:
            return JSONResponse(
                {"ok": False, "error": "rate_limit_exceeded", "retryAfter": waits},
                status_code=429,
                headers={"retry-after": str(waits)},
            )
        new = await read(request, NewTask)
        run = new.run_id or f"run-{uuid.uuid4()}"
        waiting = await tasks.add(new.id, new.role, new.description, run)
        return JSONResponse({"ok": True, "queued": waiting, "runId": run})

    async def list_(request: Request) -> Response:
        """The newest tasks, of one status or of all."""
        status = request.query_params.get("status")
        if status is not None and status not in STATUSES:
            raise invalid(f"status is one of {', '.join(STATUSES)}")
        limit, _ = page(request)
        return JSONResponse({"ok": True, "data": await tasks.find(status, limit)})

    async def get(request: Request) -> Response:
        """One task."""
        found = await tasks.get(request.path_params["id"])
        if found is None:
            raise not_found("task")
        return JSONResponse({"ok": True, "data": found})

    async def runs(request: Request) -> Response:
        """A page of all runs, the newest first."""
        limit, offset = page(request)
        rows = await tasks.database.rows(
            'SELECT id, status, created_at::text AS "createdAt" FROM runs'
            " ORDER BY created_at DESC LIMIT %s OFFSET %s",
            *(limit, offset),
        )
        counted = await tasks.database.rows("SELECT count(*) AS total FROM runs")
        total = counted[0]["total"]
        return JSONResponse({"ok": True, "data": rows, "total": total, "offset": offset, "limit": limit})

    async def dead_letters(_: Request) -> Response:
        """How many tasks were given up."""
        return JSONResponse({"ok": True, "size": int(await redis.llen(DEAD_LETTERS))})

    return [
        Route("/tasks", create, methods=["POST"]),
        Route("/tasks", list_, methods=["GET"]),
        Route("/tasks/{id}", get),
        Route("/runs", runs),
        Route("/dlq/size", dead_letters),
    ]


async def _seconds_to_wait(redis: Redis, client: str) -> int:
    """0 when the client may give a task now, and it is counted; else until when it has to wait."""
    now = time.time()
    minute = int(now // 60)
    key = f"orchestrator:rate:{client}:{minute}"
    async with redis.pipeline(transaction=True) as pipe:
        pipe.incr(key)
        pipe.expire(key, 60)
        number, _ = await pipe.execute()
    return 0 if number <= A_MINUTE else max(1, round((minute + 1) * 60 - now))
