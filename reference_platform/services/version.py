"""Which release a service is of."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_platform.services.settings import Settings


async def version(settings: Settings, _: Request) -> JSONResponse:
    """The release."""
    return JSONResponse({"version": settings.release})


def route(settings: Settings, path: str = "/version") -> Route:
    """The route that says it."""
    return Route(path, partial(version, settings))
