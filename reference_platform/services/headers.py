"""Headers that tell browsers to be careful."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class SecurityHeaders:
    """ASGI application around another one: adds headers to each answer that does not have them."""

    def __init__(self, app: ASGIApp, more: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self._app = app
        self._headers = (*ALWAYS, *more)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to its answer."""

        async def added(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in self._headers if pair[0] not in there),
                ]
            await send(message)

        await self._app(scope, receive, added)
