"""The orchestrator as a whole."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_platform.services import store
from reference_platform.services.database import Database
from reference_platform.services.metrics import Metrics
from reference_platform.services.readiness import Dependency, Readiness
from reference_platform.services.serving import Around, Service


def build(around: Around) -> Service:
    """Make the orchestrator."""
    database = Database(around.settings.database_url, "orchestrator")
    queue = store.connect(around.settings.redis_url, "orchestrator")
    readiness = Readiness(
        Dependency("postgres", database.answers),
        Dependency("redis", queue.ping),
    )
    metrics = Metrics("orchestrator")
    worker = "running" if around.settings.worker_enabled else "disabled"

    async def health(_: Request) -> JSONResponse:
        """That the process answers, and whether its worker runs; nothing about what it needs."""
        return JSONResponse({"status": "ok", "queue": 0, "tasks": 0, "worker": worker, "llm": "disabled"})

    return Service(
        routes=(
            Route("/health", health),
            Route("/ready", readiness.endpoint),
            Route("/metrics", metrics.endpoint),
        ),
        metrics=metrics,
        beside=(database.keep_open,),
        at_end=(queue.aclose,),
    )
