"""The web page as a whole: a page, its script and its style, which call the api from the browser."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.routing import Route

from reference_platform.services import errors, version
from reference_platform.services.headers import SecurityHeaders
from reference_platform.services.metrics import Metrics
from reference_platform.services.serving import Around, Service
from reference_platform.services.settings import Settings

FILES = Path(__file__).parent / "files"


async def health(_: Request) -> JSONResponse:
    """That the process answers."""
    return JSONResponse({"status": "ok"})


async def page(settings: Settings, request: Request) -> HTMLResponse:
    """The page, which names the api's address for its script."""
    public = request.headers.get("x-forwarded-proto") == "https"
    api = settings.public_api_url if public else settings.api_url
    html = (FILES / "index.html").read_text(encoding="utf-8")
    policy = f"default-src 'self'; connect-src 'self' {api}; frame-ancestors 'none'"
    return HTMLResponse(html.replace("{{api}}", api), headers={"content-security-policy": policy})


async def asset(path: Path, _: Request) -> FileResponse:
    """The page's script or style."""
    return FileResponse(path)


def build(around: Around) -> Service:
    """Make the web service. It needs neither database nor Redis."""
    assets = [path for path in sorted(FILES.iterdir()) if path.suffix != ".html"]
    return Service(
        routes=(
            Route("/", partial(page, around.settings)),
            Route("/api/health", health),
            version.route(around.settings, "/api/version"),
            *(Route(f"/{path.name}", partial(asset, path)) for path in assets),
        ),
        metrics=Metrics("web"),
        exception_handlers=errors.handlers(around.log),
        middleware=(Middleware(SecurityHeaders),),
    )
