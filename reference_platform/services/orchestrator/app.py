"""The orchestrator as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import redis
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_platform.services import errors, store, version
from reference_platform.services.database import Database, NoSession
from reference_platform.services.headers import SecurityHeaders
from reference_platform.services.metrics import Metrics
from reference_platform.services.orchestrator.agents import ROLES
from reference_platform.services.orchestrator.routes import routes
from reference_platform.services.orchestrator.tasks import Tasks
from reference_platform.services.orchestrator.worker import Counts, Worker
from reference_platform.services.readiness import Dependency, Readiness
from reference_platform.services.serving import Around, Service

COUNT_EVERY_SECONDS = 0.5


@dataclass
class Totals:
    """Counted now and then, so that health and metrics wait for nothing."""

    waiting: int = 0
    known: int = 0

    async def keep_counting(self, tasks: Tasks) -> None:
        """Count again and again. While it cannot be counted, the last numbers stand."""
        while True:
            with suppress(redis.RedisError, NoSession, psycopg.Error):
                self.waiting, self.known = await tasks.waiting(), await tasks.known()
            await asyncio.sleep(COUNT_EVERY_SECONDS)


class Figures(Collector):
    """The orchestrator's own figures, under the platform's names: its counters have no suffix."""

    def __init__(self, totals: Totals, counts: Counts) -> None:
        self._totals = totals
        self._counts = counts

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Each figure as it stands."""
        counts = self._counts
        for name, words, value in (
            ("queue_size", "Tasks that wait in the queue.", self._totals.waiting),
            ("tasks_total", "Tasks that are written down.", self._totals.known),
            ("tasks_dispatched", "Attempts begun.", counts.dispatched),
            ("tasks_completed", "Tasks completed.", counts.completed),
            ("tasks_failed", "Tasks given up.", counts.failed),
            ("tasks_retries", "Attempts that were followed by another.", counts.retries),
            ("tasks_dead_letter_total", "Tasks put among the dead letters.", counts.dead_letters),
        ):
            yield GaugeMetricFamily(f"orchestrator_{name}", words, value=value)


def build(around: Around) -> Service:
    """Make the orchestrator."""
    settings = around.settings
    database = Database(settings.database_url, "orchestrator")
    client = store.connect(settings.redis_queue_url, "orchestrator")
    waiting_client = store.connect(settings.redis_queue_url, "orchestrator-worker", waits=True)
    tasks = Tasks(database, client)
    worker = Worker(tasks, waiting_client, around.log)
    readiness = Readiness(Dependency("postgres", database.answers), Dependency("redis", client.ping))
    metrics = Metrics("orchestrator")
    totals = Totals()
    metrics.registry.register(Figures(totals, worker.counts))

    async def health(_: Request) -> JSONResponse:
        """That the process answers, and whether its worker runs; nothing about what it needs."""
        return JSONResponse(
            {
                "status": "ok",
                "queue": totals.waiting,
                "tasks": totals.known,
                "worker": "running" if settings.worker_enabled else "disabled",
                "llm": "unchecked" if settings.llm_url else "disabled",
                "registry": len(ROLES),
            }
        )

    async def count() -> None:
        await totals.keep_counting(tasks)

    return Service(
        routes=(
            Route("/health", health),
            Route("/ready", readiness.endpoint),
            Route("/metrics", metrics.endpoint),
            version.route(settings),
            *routes(tasks, client),
        ),
        metrics=metrics,
        beside=(database.keep_open, count, *((worker.run,) if settings.worker_enabled else ())),
        at_end=(client.aclose, waiting_client.aclose),
        exception_handlers=errors.handlers(around.log, away=store.AWAY),
        middleware=(Middleware(SecurityHeaders),),
    )
