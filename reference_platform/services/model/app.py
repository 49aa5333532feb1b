"""What a local language model's server says of itself at its address; there is no model behind it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_platform.services import errors
from reference_platform.services.metrics import Metrics
from reference_platform.services.serving import Around, Service


async def tags(_: Request) -> JSONResponse:
    """The models there are: none."""
    return JSONResponse({"models": []})


def build(around: Around) -> Service:
    """Make the stand-in. It needs nothing."""
    return Service(
        routes=(Route("/", tags), Route("/api/tags", tags)),
        metrics=Metrics("model"),
        exception_handlers=errors.handlers(around.log),
        middleware=(),
    )
