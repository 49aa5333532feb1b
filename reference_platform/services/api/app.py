"""The api as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_platform.services import errors, store, version
from reference_platform.services.api import admin, billing, hunter, narrative, taxonomy
from reference_platform.services.api.figures import expose
from reference_platform.services.api.profiles import Profiles
from reference_platform.services.api.tools import Endpoint, Tools
from reference_platform.services.cache import Cache
from reference_platform.services.database import Database
from reference_platform.services.headers import SecurityHeaders
from reference_platform.services.metrics import Metrics
from reference_platform.services.readiness import Dependency, Readiness
from reference_platform.services.serving import Around, Service

VERSION = "/v1"
DEPRECATED = {"deprecation": "true", "sunset": "Wed, 30 Jun 2027 00:00:00 GMT"}
"""Headers of the routes without a version."""


async def health(_: Request) -> JSONResponse:
    """That the process answers; nothing about what it needs."""
    return JSONResponse({"status": "ok"})


def build(around: Around) -> Service:
    """Make the api."""
    database = Database(around.settings.database_url, "api")
    redis = store.connect(around.settings.redis_url, "api")
    counters = store.connect(around.settings.redis_queue_url, "api-counters")
    cache = Cache(redis, counters)
    tools = Tools(database, cache, around.settings)
    readiness = Readiness(Dependency("postgres", database.answers), Dependency("redis", redis.ping))
    metrics = Metrics("api")
    expose(metrics, database, cache)
    versioned = [
        *Profiles(tools).routes(),
        *taxonomy.routes(tools),
        *hunter.routes(tools),
        *billing.routes(tools),
        *narrative.routes(tools),
        *admin.routes(tools, readiness),
    ]
    return Service(
        routes=(
            Route("/health", health),
            Route("/ready", readiness.endpoint),
            Route("/metrics", metrics.endpoint),
            version.route(around.settings),
            *_under_version(versioned),
            *_deprecated(versioned),
        ),
        metrics=metrics,
        beside=(database.keep_open,),
        at_end=(redis.aclose, counters.aclose),
        exception_handlers=errors.handlers(around.log, away=store.AWAY),
        middleware=(
            Middleware(SecurityHeaders),
            Middleware(
                CORSMiddleware,
                allow_origins=around.settings.origins,
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=["authorization", "content-type"],
            ),
        ),
    )


def _under_version(routes: Iterable[Route]) -> list[Route]:
    return [Route(VERSION + route.path, route.endpoint, methods=_methods(route)) for route in routes]


def _deprecated(routes: Iterable[Route]) -> list[Route]:
    """The same routes as they were before there were versions."""

    def marked(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def answered(request: Request) -> Response:
            response = await endpoint(request)
            response.headers.update(DEPRECATED)
            return response

        return answered

    return [Route(route.path, marked(route.endpoint), methods=_methods(route)) for route in routes]


def _methods(route: Route) -> list[str]:
    return sorted(route.methods or ())
