"""Talking to a service's interface: requests one after the other, each bounded, all kept as evidence."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from opsverify.environment import Environment, Service
from opsverify.evidence import Evidence
from opsverify.looking import CouldNotLook
from opsverify.probes import http

UNAVAILABLE = frozenset({502, 503, 504})
"""The service says that it cannot answer now, or who stands before it had no answer: nothing is known of
the flow then, as without any answer."""

ENVELOPES = ("data", "task", "profile", "subscription")
"""Keys under which an answer may hold what was asked for; an answer without them is the thing itself."""


class Reply:
    """One answer of a service."""

    def __init__(self, exchange: http.Exchange) -> None:
        self.exchange = exchange

    @property
    def status(self) -> int | str:
        """Status of a whole answer, else what is wrong with it."""
        return self.exchange.answer

    @property
    def good(self) -> bool:
        """A whole answer with a status of success."""
        return isinstance(self.status, int) and 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.exchange.body)
        except ValueError:  # also bytes that are not UTF-8
            return None

    @property
    def thing(self) -> Any:
        """What was asked for, without its envelope: `{"ok": true, "data": …}` is common."""
        whole = self.json
        if isinstance(whole, dict):
            for name in ENVELOPES:
                if isinstance(whole.get(name), dict | list):
                    return whole[name]
        return whole

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of what was asked for; none when it is no object."""
        thing = self.thing
        return thing if isinstance(thing, dict) else {}


class Conversation:
    """Requests to one service.

    Args:
        environment: whose limits bound each of them.
        service: who is asked.
    """

    def __init__(self, environment: Environment, service: Service) -> None:
        self.service = service
        self._within = environment.limits.step_at_most_seconds
        self._ca = environment.path(service.ca)
        self._evidence: list[Evidence] = []

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was said so far, as one text."""
        return (Evidence("requests", "\n\n\n".join(one.text for one in self._evidence)),)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        content: object = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        secret: bool = False,
    ) -> Reply:
        """Send one request.

        Args:
            method: GET, POST and so on.
            path: below the service's address.
            token: of the caller.
            content: is sent as JSON, in place of `body`.
            body: is sent as it is, and said to be JSON.
            headers: beside those.
            secret: keep neither body as evidence.

        Raises:
            CouldNotLook: there was no answer, or only that there is none now.
        """
        reply = self.ask_even_if_silent(
            method, path, token=token, content=content, body=body, headers=headers, secret=secret
        )
        self.check_answered(reply)
        return reply

    def check_answered(self, reply: Reply) -> None:
        """See whether there was an answer.

        Raises:
            CouldNotLook: there was none, or only that there is none now.
        """
        if reply.exchange.unreachable is not None:
            raise self.blind(reply.exchange.unreachable)
        if reply.exchange.status in UNAVAILABLE:
            raise self.blind(f"it is not available ({reply.exchange.status})")

    def ask_even_if_silent(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        content: object = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        secret: bool = False,
    ) -> Reply:
        """Likewise; no answer is one too, for its status says why there is none."""
        asked_with = {} if token is None else {"authorization": f"Bearer {token}"}
        if content is not None:
            body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        if body:
            asked_with["content-type"] = "application/json"
        exchange = http.send(
            method,
            self.service.address(path),
            within=self._within,
            headers={**asked_with, **(headers or {})},
            body=body,
            ca=self._ca,
            secret=secret,
        )
        self._evidence.append(exchange.evidence)
        return Reply(exchange)

    def blind(self, why: str, *, remedy: str | None = None) -> CouldNotLook:
        """The error that says why the service could not be looked at, with what was said so far."""
        return CouldNotLook(self.service.name, why, remedy=remedy, evidence=self.evidence)


def clock_of(reply: Reply) -> float:
    """What time it is at the target, seconds since the epoch; ours where it does not say.

    Two runners whose clocks differ agree on a lease this way.
    """
    for name, value in reply.exchange.headers:
        if name == "date":
            try:
                return parsedate_to_datetime(value).timestamp()
            except ValueError:
                break
    return time.time()
