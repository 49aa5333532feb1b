"""The engine: once, side by side, bounded, settling first, one cause for all who needed the look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from opsverify.looking import CouldNotLook, Look, Looking, Snapshot


class Platform:
    """Something to look at: counts the asks, and answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self._lock = threading.Lock()
        self.released = threading.Event()

    def look(
        self,
        name: str,
        *,
        answers: Callable[[int], str] = lambda times: "fine",
        settled: Callable[[Snapshot], bool] | None = None,
        hangs: bool = False,
    ) -> Look:
        """A look whose nth ask says `answers(n)`."""

        def ask() -> Snapshot:
            with self._lock:
                self.asked.append(name)
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
            if hangs:
                self.released.wait(60)
            said = answers(self.asked.count(name))
            with self._lock:
                self.under_way -= 1
            return Snapshot(where=said)

        return Look(name, name, ask, settled)


@pytest.fixture
def target() -> Iterator[Platform]:
    """A platform that lets go of hung looks when the test is over."""
    platform = Platform()
    yield platform
    platform.released.set()


def is_ready(seen: Snapshot) -> bool:
    """Whether there is nothing to wait for."""
    return seen.where == "ready"


def test_a_look_is_asked_once_for_all_who_need_it(target: Platform) -> None:
    """However often its result is wanted, it is one ask."""
    looking = Looking()
    one = target.look("one")
    looking.start([one, one])
    assert [looking.result(one).snapshot.where for _ in range(3)] == ["fine"] * 3
    assert target.asked == ["one"]
    assert looking.cost.counted()["looks"] == 1


def test_a_look_that_was_not_started_is_started_when_needed(target: Platform) -> None:
    """So it is under pytest-xdist."""
    looking = Looking()
    assert looking.result(target.look("late")).looks == 1


def test_looks_are_asked_side_by_side_up_to_the_width(target: Platform) -> None:
    """Exactly as many as the width are under way while all hang."""
    looking = Looking(width=3, deadline=0.3)
    looks = [target.look(f"look {number}", hangs=True) for number in range(3)]
    looking.start([*looks, target.look("next")])
    with pytest.raises(CouldNotLook):
        looking.result(looks[0])
    assert target.most_under_way == 3


def test_a_hung_look_costs_its_deadline_and_no_width(target: Platform) -> None:
    """With room for one look at a time, the look behind a hung one is still asked."""
    looking = Looking(width=1, deadline=0.2)
    hung, good = target.look("hung", hangs=True), target.look("good")
    looking.start([hung, good])
    assert looking.result(good).snapshot.where == "fine"
    with pytest.raises(CouldNotLook, match="no answer in time"):
        looking.result(hung)


def test_all_looks_together_have_an_end(target: Platform) -> None:
    """Looks that were not asked in time could not look; nothing waits for ever."""
    looking = Looking(width=1, deadline=60, all_within=0.2)
    looks = [target.look(f"look {number}", hangs=True) for number in range(5)]
    looking.start(looks)
    for look in looks:
        with pytest.raises(CouldNotLook, match=r"within the 0\.2 s that all looks have together"):
            looking.result(look)


def test_what_has_to_settle_is_asked_again(target: Platform) -> None:
    """Ready only at the third ask: the result says so, and how often it was asked."""
    looking = Looking(settle=30)
    look = target.look("api", answers=lambda times: "ready" if times == 3 else "degraded", settled=is_ready)
    seen = looking.result(look)
    assert (seen.snapshot.where, seen.looks) == ("ready", 3)


def test_settling_ends_with_its_budget(target: Platform) -> None:
    """What never settles is judged as it was last seen."""
    looking = Looking(settle=0.8)
    look = target.look("api", answers=lambda times: f"degraded {times}", settled=is_ready)
    began = time.monotonic()
    seen = looking.result(look)
    assert seen.looks >= 2
    assert seen.snapshot.where == f"degraded {seen.looks}"
    assert time.monotonic() - began < 5


def test_nothing_is_judged_in_the_middle_of_a_rollout(target: Platform) -> None:
    """Looks that need no settling are asked when the others have settled."""
    looking = Looking(settle=30)
    api = target.look("api", answers=lambda times: "ready" if times == 2 else "no", settled=is_ready)
    metrics = target.look("metrics")
    looking.start([metrics, api])
    looking.result(metrics)
    assert target.asked == ["api", "api", "metrics"]


def test_a_probe_that_breaks_could_not_look(target: Platform) -> None:
    """Its exception is an outcome with its name, and no foreign traceback."""

    def breaks(times: int) -> str:
        raise TypeError("a bug")

    with pytest.raises(CouldNotLook) as error:
        Looking().result(target.look("api", answers=breaks))
    assert error.value.why == "api failed: TypeError: a bug"
    assert error.value.__cause__ is None


def test_one_cause_for_every_check(target: Platform) -> None:
    """Each who needed the look gets the same cause, asked once, in an exception of their own."""

    def refuses(times: int) -> str:
        raise CouldNotLook("postgres", "connection refused", remedy="Start it.")

    looking = Looking()
    look = target.look("connection", answers=refuses)
    errors = []
    for _ in range(2):
        with pytest.raises(CouldNotLook) as error:
            looking.result(look)
        errors.append(error.value)
    assert [(one.where, one.why, one.remedy) for one in errors] == [
        ("postgres", "connection refused", "Start it.")
    ] * 2
    assert errors[0] is not errors[1]
    assert target.asked == ["connection"]


def test_a_run_that_is_cut_ends_all_looks(target: Platform) -> None:
    """At the run's deadline, what has no answer could not look, for that reason; later looks too."""
    looking = Looking(deadline=60)
    hung = target.look("hung", hangs=True)
    looking.start([hung])
    threading.Timer(0.1, looking.cut, ["the run's deadline is over"]).start()
    with pytest.raises(CouldNotLook, match="the run's deadline is over"):
        looking.result(hung)
    with pytest.raises(CouldNotLook, match="the run's deadline is over"):
        looking.result(target.look("later"))


def test_who_waits_is_told_what_is_awaited(target: Platform) -> None:
    """The looks under way and since when, for who shows progress."""
    looking = Looking(deadline=1)
    told: list[str] = []
    with pytest.raises(CouldNotLook):
        looking.result(
            target.look("hung", hangs=True), awaiting=lambda awaited: told.extend(one.key for one in awaited)
        )
    assert "hung" in told


def test_journeys_go_one_at_a_time_when_all_else_is_over(target: Platform) -> None:
    """What writes is not looked at while it writes, and no two journeys meet."""
    looking = Looking(settle=30)
    api = target.look("api", answers=lambda times: "ready" if times == 2 else "no", settled=is_ready)
    journeys = [replace(target.look(f"journey {number}"), journey=True) for number in range(3)]
    looking.start([*journeys, target.look("metrics"), api])
    target.most_under_way = 0
    for journey in journeys:
        looking.result(journey)
    assert target.asked[:3] == ["api", "api", "metrics"]
    assert sorted(target.asked[3:]) == ["journey 0", "journey 1", "journey 2"]
    assert target.most_under_way == 1


def test_a_journey_may_have_a_longer_deadline(target: Platform) -> None:
    """Its own counts, not the engine's."""
    looking = Looking(deadline=60)
    hung = replace(target.look("hung", hangs=True), journey=True, deadline=0.2)
    with pytest.raises(CouldNotLook, match="no answer in time"):
        looking.result(hung)


def test_a_look_that_may_take_longer_than_all_have_together_is_not_cut_off_with_them(
    target: Platform,
) -> None:
    """It has its own time, once it is under way; what has no longer time ends with the rest."""
    looking = Looking(width=2, deadline=60, all_within=0.2)
    patient = replace(target.look("patient", hangs=True), deadline=1)
    hung = replace(target.look("hung", hangs=True), deadline=0.1)
    waits = target.look("waits")
    looking.start([patient, replace(target.look("other", hangs=True), deadline=None), waits])
    for look in (hung, waits):
        with pytest.raises(CouldNotLook, match="all looks have together"):
            looking.result(look)
    with pytest.raises(CouldNotLook, match="no answer in time"):
        looking.result(patient)
