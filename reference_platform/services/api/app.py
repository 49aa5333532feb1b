"""The api as a whole."""

from __future__ import annotations

from prometheus_client import Gauge
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_platform.services import store
from reference_platform.services.database import Database
from reference_platform.services.metrics import Metrics
from reference_platform.services.readiness import Dependency, Readiness
from reference_platform.services.serving import Around, Service


async def health(_: Request) -> JSONResponse:
    """That the process answers; nothing about what it needs."""
    return JSONResponse({"status": "ok"})


def build(around: Around) -> Service:
    """Make the api."""
    database = Database(around.settings.database_url, "api")
    cache = store.connect(around.settings.redis_url, "api")
    readiness = Readiness(
        Dependency("postgres", database.answers),
        Dependency("redis", cache.ping),
    )
    metrics = Metrics("api")
    _expose(metrics, database)
    return Service(
        routes=(
            Route("/health", health),
            Route("/ready", readiness.endpoint),
            Route("/metrics", metrics.endpoint),
        ),
        metrics=metrics,
        beside=(database.keep_open,),
        at_end=(cache.aclose,),
    )


def _expose(metrics: Metrics, database: Database) -> None:
    sessions = Gauge("active_connections", "Database sessions at work.", registry=metrics.registry)
    sessions.set_function(lambda: database.in_use)
