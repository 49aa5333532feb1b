"""The web page as a whole."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from reference_platform.services.metrics import Metrics
from reference_platform.services.serving import Around, Service

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>in–midst–my-life</title></head>
<body><main id="app"><h1>in–midst–my-life</h1></main></body>
</html>
"""


async def health(_: Request) -> JSONResponse:
    """That the process answers."""
    return JSONResponse({"status": "ok"})


async def page(_: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse(PAGE)


def build(_: Around) -> Service:
    """Make the web service. It needs neither database nor Redis."""
    return Service(
        routes=(Route("/", page), Route("/api/health", health)),
        metrics=Metrics("web"),
    )
