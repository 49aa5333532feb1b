"""Faulty answers in a service's stead, as a file says that is read at each request.

This stands outside the services: none of them knows it. The file is written by
`reference_platform.faults`; a service is well when there is none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a path is answered wrongly. What is not said stays as the service answers it."""

    path: str
    """The exact path, or a beginning followed by `*`."""
    after_seconds: float = 0
    """How long the answer waits."""
    status: int | None = None
    body: str | None = None
    """Whole body; the service is not asked then."""
    content_type: str = "application/json"
    cut_after: str | None = None
    """The body ends behind the first place where this stands, as if it were whole."""
    one_byte_a_second: bool = False
    endless: bool = False
    """The body goes on and on."""

    def meets(self, path: str) -> bool:
        """Whether this is about a path."""
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


def write(file: Path, answers: tuple[Answer, ...]) -> None:
    """Make a service answer so from its next request on; with none, it is well again."""
    if not answers:
        file.unlink(missing_ok=True)
        return
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps([asdict(answer) for answer in answers]), encoding="utf-8")
    fresh.replace(file)


def read(file: Path) -> tuple[Answer, ...]:
    """The answers that a file holds, none when it does not exist."""
    try:
        return tuple(Answer(**one) for one in json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()


class Sickness:
    """ASGI application around a service: gives its answer, or a faulty one."""

    def __init__(self, app: ASGIApp, file: Path) -> None:
        self._app = app
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as the file says at this moment."""
        answer = None
        if scope["type"] == "http":
            answer = next((one for one in read(self._file) if one.meets(scope["path"])), None)
        if answer is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(answer.after_seconds)
        if answer.body is None and not answer.endless:
            start, body = await _asked(self._app, scope, receive)
        else:
            start, body = _start(200, answer.content_type), (answer.body or "").encode()
        if answer.status is not None:
            start["status"] = answer.status
        if answer.cut_after is not None:
            sign = answer.cut_after.encode()
            body = body[: body.index(sign) + len(sign)] if sign in body else body
        if answer.one_byte_a_second or answer.endless:
            await send(start)
            await _while_connected(_drip(body, send) if answer.one_byte_a_second else _flood(send), receive)
        else:
            start["headers"] = [*start["headers"], (b"content-length", str(len(body)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": body})


def _start(status: int, content_type: str) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", content_type.encode())],
    }


async def _asked(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """What the service itself answers, to the end."""
    messages: list[Message] = []

    async def kept(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, kept)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    headers = [pair for pair in messages[0]["headers"] if pair[0] != b"content-length"]
    return {**messages[0], "headers": headers}, body


async def _while_connected(sending: Coroutine[None, None, None], receive: Receive) -> None:
    """Send until it is done or the client hangs up: sending to nobody is no error and would go on."""

    async def hangs_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = {asyncio.ensure_future(sending), asyncio.ensure_future(hangs_up())}
    _, under_way = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in under_way:
        task.cancel()


async def _drip(body: bytes, send: Send) -> None:
    for number in range(len(body)):
        await send({"type": "http.response.body", "body": body[number : number + 1], "more_body": True})
        await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b""})


async def _flood(send: Send) -> None:
    while True:
        await send({"type": "http.response.body", "body": b"# " + b"x" * 65533 + b"\n", "more_body": True})
        await asyncio.sleep(0)  # sending to a client that hung up does not wait, and nothing else would run
