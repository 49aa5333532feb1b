"""Whether a service can work: what it needs is asked, now, and within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse

WITHIN_SECONDS = 0.8


class Dependency:
    """Something a service needs, and the question that shows it answers."""

    def __init__(self, name: str, ask: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self._ask = ask
        self._asking: asyncio.Task[bool] | None = None

    async def answers(self) -> bool:
        """Ask, and give up waiting after a while.

        A question that hangs is left to end by itself and is not asked a second time meanwhile:
        a hung dependency costs one connection, however often we are asked.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._answered())
        asking = self._asking  # another request may put the next one there while this one waits
        done, _ = await asyncio.wait({asking}, timeout=WITHIN_SECONDS)
        return bool(done) and asking.result()

    async def _answered(self) -> bool:
        try:
            await self._ask()
        except Exception:  # noqa: BLE001 - whatever it is: it does not answer
            return False
        return True


class Readiness:
    """The ready endpoint of a service."""

    def __init__(self, *needs: Dependency) -> None:
        self.needs = needs

    async def found(self) -> dict[str, bool]:
        """Each dependency by name, and whether it answers; all asked at the same time."""
        answers = await asyncio.gather(*(need.answers() for need in self.needs))
        return {need.name: answer for need, answer in zip(self.needs, answers, strict=True)}

    async def endpoint(self, _: Request) -> JSONResponse:
        """200 and `ready`, or 503 and `degraded`."""
        ready = all((await self.found()).values())
        return JSONResponse({"status": "ready" if ready else "degraded"}, status_code=200 if ready else 503)
