"""Every request is logged and counted, whoever answers it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_platform.services.logs import ERROR, INFO, WARN, Log
from reference_platform.services.metrics import Metrics

UNKNOWN_ROUTE = "unknown"


class Observed:
    """ASGI application around another one: two log lines, a count and a duration a request."""

    def __init__(self, app: ASGIApp, *, routes: Iterable[BaseRoute], log: Log, metrics: Metrics) -> None:
        self._app = app
        self._routes = tuple(route for route in routes if isinstance(route, Route))
        self._log = log
        self._metrics = metrics
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500
        number = f"req-{next(self._numbers):x}"
        request = {"method": scope["method"], "url": scope["raw_path"].decode("ascii", "replace")}
        self._log.write(INFO, "incoming request", reqId=number, req=request)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            seconds = time.perf_counter() - began
            labels = (scope["method"], self._route_of(scope), str(status))
            self._metrics.requests.labels(*labels).inc()
            self._metrics.duration.labels(*labels).observe(seconds)
            level = ERROR if status >= 500 else WARN if status >= 400 else INFO
            self._log.write(
                level,
                "request completed",
                reqId=number,
                req=request,
                res={"statusCode": status},
                responseTime=round(seconds * 1000, 3),
            )

    def _route_of(self, scope: Scope) -> str:
        """The route's pattern, so that ids in paths do not each make a series of their own."""
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                return route.path
        return UNKNOWN_ROUTE
