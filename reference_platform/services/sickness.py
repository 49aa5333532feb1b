"""Faulty answers in a service's stead, as a file says that is read at each request.

This stands outside the services: none of them knows it. The file is written by
`reference_platform.faults`; a service is well when there is none.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a path is answered wrongly. What is not said stays as the service answers it."""

    path: str
    """The path; `*` stands for any part of it."""
    methods: tuple[str, ...] = ()
    """Only requests of these methods."""
    anonymous: bool = False
    """Only requests without a token."""
    only_when: int | None = None
    """Only where the service itself answers with this status."""
    after_seconds: float = 0
    """How long the answer waits."""
    status: int | None = None
    body: str | None = None
    """Whole body; the service is not asked then, unless it depends on its status."""
    content_type: str = "application/json"
    cut_after: str | None = None
    """The body ends behind the first place where this stands, as if it were whole."""
    instead: tuple[str, str] | None = None
    """The first place in the body where one text stands has the other."""
    first_again: bool = False
    """Every request of a caller for an address is answered as the first one was."""
    signs_with: str | None = None
    """The service gets every token signed anew, with this secret: it cannot tell who signed it before."""
    only_signed_with: str | None = None
    """Likewise, but only the tokens that were signed with this other one."""
    one_byte_a_second: bool = False
    endless: bool = False
    """The body goes on and on."""

    def meets(self, scope: Scope) -> bool:
        """Whether this is about a request."""
        return (
            fnmatchcase(scope["path"], self.path)
            and (not self.methods or scope["method"] in self.methods)
            and not (self.anonymous and _header(scope, b"authorization"))
        )


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
        found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(map(_answer, found))


def _answer(table: dict[str, Any]) -> Answer:
    # JSON knows lists only
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in table.items()
    }
    return Answer(**fields)


class Sickness:
    """ASGI application around a service: gives its answer, or a faulty one."""

    def __init__(self, app: ASGIApp, file: Path) -> None:
        self._app = app
        self._file = file
        self._first: dict[tuple[str, bytes, bytes], tuple[Message, bytes]] = {}
        """Answers by method, address and token, where they are given again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as the file says at this moment."""
        answer = None
        if scope["type"] == "http":
            answer = next((one for one in read(self._file) if one.meets(scope)), None)
        if answer is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(answer.after_seconds)
        start, body = await self._answered(answer, scope, receive)
        if answer.one_byte_a_second or answer.endless:
            await send(start)
            await _while_connected(_drip(body, send) if answer.one_byte_a_second else _flood(send), receive)
        else:
            start["headers"] = [*start["headers"], (b"content-length", str(len(body)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": body})

    async def _answered(self, answer: Answer, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        start, body = _start(200, answer.content_type), (answer.body or "").encode()
        if (answer.body is None or answer.only_when is not None) and not answer.endless:
            own, own_body = await self._asked(answer, scope, receive)
            if answer.only_when not in (None, own["status"]):
                return own, own_body
            if answer.body is None:
                start, body = own, own_body
        if answer.status is not None:
            start["status"] = answer.status
        if answer.cut_after is not None:
            sign = answer.cut_after.encode()
            body = body[: body.index(sign) + len(sign)] if sign in body else body
        if answer.instead is not None:
            body = body.replace(answer.instead[0].encode(), answer.instead[1].encode(), 1)
        return start, body

    async def _asked(self, answer: Answer, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """What the service itself answers, now or the first time."""
        if answer.signs_with is not None:
            scope = _signed_anew(scope, answer.signs_with, answer.only_signed_with)
        if not answer.first_again:
            return await _asked(self._app, scope, receive)
        key = scope["method"], scope["raw_path"], _header(scope, b"authorization")
        if key not in self._first:
            self._first[key] = await _asked(self._app, scope, receive)
        start, body = self._first[key]
        return dict(start), body


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _signed_anew(scope: Scope, secret: str, only_of: str | None) -> Scope:
    """A request whose token, whoever signed it, is signed by the service's own secret."""
    token = _header(scope, b"authorization").removeprefix(b"Bearer ")
    head, _, rest = token.partition(b".")
    claims, _, signature = rest.partition(b".")
    if not claims or (only_of is not None and _signature(head, claims, only_of) != signature):
        return scope
    head = _encoded(b'{"alg":"HS256","typ":"JWT"}')
    token = b".".join((head, claims, _signature(head, claims, secret)))
    others = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
    return {**scope, "headers": [*others, (b"authorization", b"Bearer " + token)]}


def _signature(head: bytes, claims: bytes, secret: str) -> bytes:
    return _encoded(hmac.digest(secret.encode(), head + b"." + claims, hashlib.sha256))


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


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
