"""Looking: every look is asked once, side by side, and is bounded in time.

A look is a question to the platform (a probe bound to its subject). The engine starts all looks
of a run in daemon threads, a bounded number at a time, in three waves: first those that may have
to settle, again and again until they have settled or the settling budget is over; then the rest,
so that nothing is judged in the middle of a rollout; then the journeys, which write, one at a
time. What a look saw, or why it could not look, is kept, so that a look shared by many checks is
asked once for all of them.

The engine has no thread of its own to supervise: whoever waits for a result keeps the time.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from opsverify.cost import Cost, charged_to
from opsverify.evidence import Evidence

JOURNEYS = 2
"""The wave whose looks are asked one at a time."""

ASK_AGAIN_AFTER = 0.5
"""Seconds between two asks of a look that has not settled."""

TELL_EVERY = 0.25
"""Seconds between two accounts of what is still awaited."""

NO_ANSWER = "no answer in time"
"""Why a look at something that hangs saw nothing; the same whatever time each look has."""


def in_seconds(why: str, seconds: float) -> str:
    """The same with the time that it had: `no answer in 2 s`. Other reasons stay as they are."""
    return f"no answer in {seconds:g} s" if why == NO_ANSWER else why


class CouldNotLook(Exception):
    """A look did not come about: neither good nor bad is known.

    Args:
        where: the noun that was to be looked at (`postgres`).
        why: the cause, in words that do not change from run to run (`connection refused`).
        remedy: what makes the look possible, where that is known.
        evidence: what was seen on the way.
    """

    def __init__(
        self, where: str, why: str, *, remedy: str | None = None, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why
        self.remedy = remedy
        self.evidence = evidence

    def __str__(self) -> str:
        sentence = f"could not look at {self.where}: {self.why}"
        return f"{sentence}. {self.remedy}" if self.remedy else sentence


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a probe saw, at one moment. Probes return subclasses that add what they saw."""

    where: str
    """Address of what was looked at, without secrets."""
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)
    unreachable: str | None = field(default=None, repr=False)
    """Why there was no answer, when reachability itself is what the check asks."""
    record: str | None = field(default=None, repr=False)
    """What stands on record, where that is the evidence: file, who, when, link."""
    taken_at: datetime = field(default_factory=lambda: datetime.now(UTC), repr=False)

    def measures(self) -> dict[str, float]:
        """What was measured, unit in the name, to be kept over the runs."""
        return {}


@dataclass(frozen=True)
class Look:
    """A question to the platform; its key is what makes two looks the same look."""

    key: str
    """`web.readiness[api]`: probe and subjects."""
    where: str
    """The noun looked at: `api`."""
    ask: Callable[[], Snapshot]
    settled: Callable[[Any], bool] | None = None
    """Says that there is nothing to wait for; None: there never is."""
    journey: bool = False
    """It writes: asked alone, when all other looks are over."""
    deadline: float | None = None
    """Seconds after which an ask is given up; None: as the engine has it."""

    @property
    def wave(self) -> int:
        """0: may have to settle; 1: the rest; 2: journeys."""
        if self.journey:
            return 2
        return 1 if self.settled is None else 0


@dataclass(frozen=True)
class Seen:
    """The answer to a look, and how often it was asked for."""

    snapshot: Snapshot
    looks: int


@dataclass(frozen=True)
class Awaited:
    """A look under way, for who shows progress."""

    key: str
    seconds: float
    """Since it was first asked."""
    doing: str = ""
    """What it says of itself: phase, how much is done, how long it will take."""


@dataclass
class _Ticket:
    look: Look
    asked: int = 0
    first_asked: float = 0
    due_to_answer: float = 0
    """When the ask under way is given up."""
    seen: Snapshot | CouldNotLook | None = None
    done: bool = False
    doing: str = ""

    @property
    def settled(self) -> bool:
        if self.look.settled is None or isinstance(self.seen, CouldNotLook):
            return True
        return self.look.settled(self.seen)


class Looking:
    """Asks looks side by side and keeps what they saw.

    Args:
        width: how many looks are under way at a time.
        settle: budget in seconds for looks that may have to settle, one for the whole run.
        deadline: seconds after which one ask is given up.
        all_within: seconds for all looks together, beyond `settle`; a look that has more by itself has those.
        clock: monotonic seconds; tests inject their own.
    """

    def __init__(
        self,
        *,
        width: int = 32,
        settle: float = 0,
        deadline: float = 10,
        all_within: float = 55,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cost = Cost()
        self._width = width
        self._settle = settle
        self._deadline = deadline
        self._all_within = all_within
        self._clock = clock
        self._changed = threading.Condition()
        self._tickets: dict[str, _Ticket] = {}
        self._queue: list[tuple[float, int, _Ticket]] = []
        """The looks whose wave has begun, by when they are due."""
        self._order = itertools.count()
        self._waiting: tuple[deque[_Ticket], ...] = (deque(), deque(), deque())
        """The looks whose wave has not begun, by wave."""
        self._open = [0, 0, 0]
        """How many looks of each wave have no final answer; a wave waits for all before it."""
        self._asking: dict[str, _Ticket] = {}
        self._workers = 0
        self._began: float | None = None
        self._cut: str | None = None

    # Asking

    def start(self, looks: Iterable[Look]) -> None:
        """Start every look that was not started before, and return at once."""
        with self._changed:
            for look in looks:
                if look.key not in self._tickets:
                    self._admit(look)
            self._begin_waves()

    def result(self, look: Look, *, awaiting: Callable[[list[Awaited]], None] | None = None) -> Seen:
        """Wait for a look's answer; a look that was not started is started now.

        Args:
            look: the look.
            awaiting: called some times a second while waiting, with the looks under way.

        Raises:
            CouldNotLook: the look did not come about.
        """
        self.start([look])
        with self._changed:
            ticket = self._tickets[look.key]
            while not self._is_done(ticket):
                if awaiting is not None:
                    awaiting(self._under_way())
                self._changed.wait(self._until_next_event(at_most=TELL_EVERY))
        if isinstance(ticket.seen, Snapshot):
            return Seen(ticket.seen, ticket.asked)
        # The same cause for every check that needs this look: a fresh exception, without the
        # traceback that an earlier check has added to the stored one.
        error = ticket.seen or CouldNotLook(look.where, "no answer was kept")
        raise CouldNotLook(error.where, error.why, remedy=error.remedy, evidence=error.evidence)

    def cut(self, why: str) -> None:
        """End all looks now: those without an answer could not look, for this reason."""
        with self._changed:
            self._cut = why
            self._end_all(why)

    # What follows is called with the lock held.

    def _admit(self, look: Look) -> None:
        ticket = self._tickets[look.key] = _Ticket(look)
        if self._began is None:
            self._began = self._clock()
        self._open[look.wave] += 1
        self._waiting[look.wave].append(ticket)
        if self._cut is not None:
            self._finish(ticket, CouldNotLook(look.where, self._cut))

    def _begin_waves(self) -> None:
        """Ask the looks of each wave whose turn has come; of the journeys one."""
        for wave, waiting in enumerate(self._waiting):
            if any(self._open[:wave]):
                return
            under_way = self._open[wave] - len(waiting)
            while waiting and not (wave == JOURNEYS and under_way):
                self._enqueue(waiting.popleft(), self._clock())
                under_way += 1

    def _enqueue(self, ticket: _Ticket, due: float) -> None:
        heapq.heappush(self._queue, (due, next(self._order), ticket))
        self._hire()
        self._changed.notify_all()

    def _hire(self) -> None:
        if self._queue and self._workers < self._width:
            self._workers += 1
            threading.Thread(target=self._work, name="look", daemon=True).start()

    def _finish(self, ticket: _Ticket, seen: Snapshot | CouldNotLook) -> None:
        if ticket.done:
            return
        ticket.seen = seen
        ticket.done = True
        self._asking.pop(ticket.look.key, None)
        self._open[ticket.look.wave] -= 1
        self._begin_waves()
        self._changed.notify_all()

    def _end_all(self, why: str, *, patient: bool = False) -> None:
        """End all looks; patient: but for those under way that may take longer than all have together."""
        for waiting in self._waiting:
            waiting.clear()
        for ticket in self._tickets.values():
            longer = (ticket.look.deadline or 0) > self._all_within and ticket.look.key in self._asking
            if not (patient and longer):
                self._finish(ticket, ticket.seen or CouldNotLook(ticket.look.where, why))
        self._queue.clear()

    @property
    def _settling_ends(self) -> float:
        return (self._began or 0) + self._settle

    @property
    def _all_end(self) -> float:
        return self._settling_ends + self._all_within

    def _is_done(self, ticket: _Ticket) -> bool:
        self._give_up_overdue()
        return ticket.done

    def _give_up_overdue(self) -> None:
        """End the looks whose time is over; each hung thread is replaced, so the width is kept."""
        now = self._clock()
        for ticket in [one for one in self._asking.values() if now >= one.due_to_answer]:
            self._finish(ticket, ticket.seen or CouldNotLook(ticket.look.where, NO_ANSWER))
            self._workers -= 1
            self._hire()
        if now >= self._all_end:
            self._end_all(
                f"not answered within the {self._all_within:g} s that all looks have together", patient=True
            )

    def _until_next_event(self, at_most: float) -> float:
        now = self._clock()
        events = [ticket.due_to_answer for ticket in self._asking.values()]
        if self._all_end > now:
            events.append(self._all_end)
        return max(0.001, min([at_most, *(event - now for event in events)]))

    def _under_way(self) -> list[Awaited]:
        now = self._clock()
        return [
            Awaited(ticket.look.key, now - ticket.first_asked, ticket.doing)
            for ticket in self._asking.values()
        ]

    # The workers

    def _work(self) -> None:
        with charged_to(self.cost):
            while True:
                ticket = self._next()
                if ticket is None:
                    return
                token = _asked.set(ticket)
                seen = _ask(ticket.look)
                _asked.reset(token)
                if not self._received(ticket, seen, asked=ticket.asked):
                    return

    def _next(self) -> _Ticket | None:
        """Wait for the next look that is due; None when there is nothing left to ask."""
        with self._changed:
            while self._queue:
                due, _, ticket = self._queue[0]
                now = self._clock()
                if due > now:
                    self._changed.wait(due - now)
                    continue
                heapq.heappop(self._queue)
                if ticket.done:
                    continue
                if ticket.asked == 0:
                    ticket.first_asked = now
                ticket.asked += 1
                ticket.due_to_answer = now + (ticket.look.deadline or self._deadline)
                self._asking[ticket.look.key] = ticket
                self.cost.add(looks=1)
                return ticket
            self._workers -= 1
            return None

    def _received(self, ticket: _Ticket, seen: Snapshot | CouldNotLook, *, asked: int) -> bool:
        """Keep an answer; False when it came too late and the worker was replaced."""
        with self._changed:
            if ticket.done or ticket.asked != asked:
                return False
            ticket.seen = seen
            del self._asking[ticket.look.key]
            again = self._clock() + ASK_AGAIN_AFTER
            if ticket.settled or again > self._settling_ends:
                self._finish(ticket, seen)
            else:
                self._enqueue(ticket, again)
            return True


_asked: ContextVar[_Ticket | None] = ContextVar("asked", default=None)


def telling() -> Callable[[str], None]:
    """What a long look says while it is under way, for who waits for it on a terminal.

    Returns:
        Takes what is being done now; from any thread. Outside a look it does nothing.
    """
    ticket = _asked.get()

    def tell(doing: str) -> None:
        if ticket is not None:
            ticket.doing = doing

    return tell


def _ask(look: Look) -> Snapshot | CouldNotLook:
    try:
        return look.ask()
    except CouldNotLook as error:
        return error
    except Exception as error:  # noqa: BLE001 - a probe that breaks is an outcome, not the end of the run
        return CouldNotLook(look.where, f"{look.key} failed: {type(error).__name__}: {error}")
