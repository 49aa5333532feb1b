"""The front: takes requests at the public addresses and passes them on, except what is not public.

One process listens for all public addresses; the port says which service is meant.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from reference_platform.services import errors
from reference_platform.services.asked import raw_body
from reference_platform.services.errors import Refused, not_found
from reference_platform.services.headers import SecurityHeaders
from reference_platform.services.metrics import Metrics
from reference_platform.services.serving import Around, Service

NOT_PUBLIC = ("/metrics", "/admin", "/v1/admin")
OF_ONE_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"}
)
"""Headers of a request that are about one connection (RFC 9110, 7.6.1), or that the client sets anew."""
NOT_GIVEN_BACK = (OF_ONE_HOP | {"date"}) - {"content-length"}
HSTS = (b"strict-transport-security", b"max-age=31536000")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PASSES_ON_WITHIN_SECONDS = 30
TRIES_AGAIN = 3
TRIES_AGAIN_AFTER_SECONDS = 0.3
"""A service of one replica that is restarted costs its users time and no answer, as with any balancer."""


@dataclass(frozen=True)
class Backends:
    """The replicas of a service, in turn."""

    urls: tuple[str, ...]
    turns: Iterator[int]

    @classmethod
    def of(cls, urls: list[str]) -> Backends:
        """Begin with the first."""
        return cls(tuple(urls), itertools.count())

    def tries(self) -> Iterator[str | None]:
        """All of them, beginning with the one whose turn it is, several times; None: wait a little."""
        first = next(self.turns) % len(self.urls)
        in_turn = [*self.urls[first:], *self.urls[:first]]
        yield from in_turn
        for _ in range(TRIES_AGAIN):
            yield None
            yield from in_turn


def build(around: Around) -> Service:
    """Make the front. `FRONT_BACKENDS` says which port means which replicas."""
    backends = {
        int(port): Backends.of(urls) for port, urls in json.loads(os.environ["FRONT_BACKENDS"]).items()
    }
    client = httpx.AsyncClient(timeout=PASSES_ON_WITHIN_SECONDS, trust_env=False, follow_redirects=False)

    async def pass_on(request: Request) -> Response:
        """Give a request to a replica, and its answer back."""
        if request.url.path.startswith(NOT_PUBLIC):
            raise not_found("route")
        body = await raw_body(request)
        for url in backends[request.scope["server"][1]].tries():
            if url is None:
                await asyncio.sleep(TRIES_AGAIN_AFTER_SECONDS)
                continue
            try:
                answer = await client.send(_outgoing(client, request, url, body), stream=True)
            except httpx.ConnectError:  # this replica is away, another may not be
                continue
            except httpx.TransportError as error:
                # a connection that was kept open was closed when its replica stopped: nothing was done
                if request.method == "GET" and not isinstance(error, httpx.TimeoutException):
                    continue
                break
            return StreamingResponse(
                answer.aiter_raw(),
                status_code=answer.status_code,
                headers={k: v for k, v in answer.headers.items() if k not in NOT_GIVEN_BACK},
                background=BackgroundTask(answer.aclose),
            )
        raise Refused(502, "bad_gateway", "the service does not answer")

    return Service(
        routes=(Route("/{path:path}", pass_on, methods=METHODS),),
        metrics=Metrics("front"),
        at_end=(client.aclose,),
        exception_handlers=errors.handlers(around.log),
        middleware=(Middleware(SecurityHeaders, more=(HSTS,)),),
    )


def _outgoing(client: httpx.AsyncClient, request: Request, url: str, body: bytes) -> httpx.Request:
    query = f"?{request.url.query}" if request.url.query else ""
    headers = [(name, value) for name, value in request.headers.items() if name not in OF_ONE_HOP]
    return client.build_request(
        request.method,
        url + request.scope["raw_path"].decode("ascii") + query,
        content=body,
        headers=[
            *headers,
            ("x-forwarded-proto", request.url.scheme),
            ("x-forwarded-for", request.client.host if request.client else ""),
        ],
    )
