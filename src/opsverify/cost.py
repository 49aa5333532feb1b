"""What a run costs its target: looks, requests and statements, counted where they are sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cost:
    """A counter that many threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.looks = 0
        self.requests = 0
        """HTTP requests and Redis commands."""
        self.statements = 0
        """SQL statements."""

    def add(self, *, looks: int = 0, requests: int = 0, statements: int = 0) -> None:
        """Add what was just sent."""
        with self._lock:
            self.looks += looks
            self.requests += requests
            self.statements += statements

    def counted(self) -> dict[str, int]:
        """What was sent so far, by kind."""
        with self._lock:
            return {"looks": self.looks, "requests": self.requests, "statements": self.statements}


_charged: ContextVar[Cost | None] = ContextVar("charged", default=None)


@contextmanager
def charged_to(cost: Cost) -> Iterator[None]:
    """Everything that this thread sends inside the block is added to `cost`."""
    token = _charged.set(cost)
    try:
        yield
    finally:
        _charged.reset(token)


def charge(*, requests: int = 0, statements: int = 0) -> None:
    """Called by a probe for what it sends; outside a run nothing counts."""
    cost = _charged.get()
    if cost is not None:
        cost.add(requests=requests, statements=statements)
