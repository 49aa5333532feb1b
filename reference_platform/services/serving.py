"""One service as a process: its application, what is around it, and the server."""

from __future__ import annotations

import argparse
import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from reference_platform.services.logs import INFO, Log
from reference_platform.services.metrics import Metrics
from reference_platform.services.observed import Observed
from reference_platform.services.settings import Settings
from reference_platform.services.sickness import Sickness

STOP_WITHIN_SECONDS = 1


Handler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True)
class Service:
    """What makes a service: its routes, and what runs beside them."""

    routes: Iterable[BaseRoute]
    metrics: Metrics
    beside: tuple[Callable[[], Awaitable[None]], ...] = ()
    """Work that runs from start to stop: keeping sessions open, working off a queue."""
    at_end: tuple[Callable[[], Awaitable[None]], ...] = ()
    exception_handlers: Mapping[type[Exception] | int, Handler] = field(default_factory=dict)
    middleware: tuple[Middleware, ...] = ()


@dataclass(frozen=True)
class Around:
    """What a service is given when it is built."""

    settings: Settings
    log: Log
    started: float
    """When the process began its work, seconds since the epoch."""


def serve(build: Callable[[Around], Service], arguments: list[str]) -> None:
    """Run a service until it is told to stop.

    Args:
        build: makes the service.
        arguments: `--sockets FD,… --log FILE --sick FILE [--tls FOLDER]`; the sockets listen already.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--sick", type=Path, required=True)
    parser.add_argument("--tls", type=Path)
    told = parser.parse_args(arguments)
    log = Log(told.log)
    service = build(Around(Settings.read(), log, time.time()))
    routes = list(service.routes)
    app = Starlette(
        routes=routes,
        lifespan=_lifespan(service),
        exception_handlers=dict(service.exception_handlers),
        middleware=service.middleware,
    )
    observed = Observed(Sickness(app, told.sick), routes=routes, log=log, metrics=service.metrics)
    config = uvicorn.Config(
        observed,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
        ssl_certfile=told.tls / "certificate.pem" if told.tls else None,
        ssl_keyfile=told.tls / "key.pem" if told.tls else None,
    )
    with ExitStack() as sockets:
        listening = [
            sockets.enter_context(socket.socket(fileno=int(number))) for number in told.sockets.split(",")
        ]
        log.write(INFO, "Server listening")
        uvicorn.Server(config).run(sockets=listening)


def _lifespan(service: Service) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        beside = [asyncio.ensure_future(work()) for work in service.beside]
        yield
        for task in beside:
            task.cancel()
        for task in beside:
            with suppress(asyncio.CancelledError):
                await task
        for close in service.at_end:
            await close()

    return lifespan
