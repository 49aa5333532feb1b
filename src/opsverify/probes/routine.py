"""Whether what is done day by day, week by week and month by month was done in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsverify.environment import Environment, RecordsTable, RoutineTask
from opsverify.evidence import Evidence
from opsverify.looking import Snapshot
from opsverify.records import Book, Drill, LoadRun, book
from opsverify.verdicts import Verdict, kept_verdicts

RESULTS: dict[str, type[LoadRun] | type[Drill]] = {"load-run": LoadRun, "drill": Drill}
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Routine(Snapshot):
    """The routine tasks and when each was done last."""

    overdue: tuple[str, ...]
    """`load tested: 40.0 days ago, expected within 32 days`."""


@dataclass(frozen=True)
class Done:
    """The last time that a task was done, or why no time counts."""

    at: datetime | None
    said: str
    """By what it is known, or why it is not."""


def routine(environment: Environment, records: RecordsTable) -> Routine:
    """See when each routine task was done last.

    Raises:
        CouldNotLook: records or verdicts cannot be read.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    verdicts = kept_verdicts(environment, pages, now)
    done = {task: last_done(task, pages, verdicts, now) for task in records.tasks}
    lines = (f"{task.name} (each {task.every}): {one.said}" for task, one in done.items())
    return Routine(
        where="records",
        overdue=overdue(done.items(), now),
        evidence=(Evidence("routine tasks", "\n".join(lines)),),
    )


def last_done(task: RoutineTask, pages: Book, verdicts: list[Verdict], now: datetime) -> Done:
    """When a task was done last, by what its table asks for.

    Args:
        task: the task.
        pages: the records.
        verdicts: of earlier runs, the newest first.
        now: the present moment.
    """
    found: list[Done] = []
    flaws: list[str] = []
    if task.stage is not None:
        own = [one for one in verdicts if one.stage == task.stage]
        found += [Done(one.decided_at, str(one)) for one in own if one.decision == "go"][:1]
        flaws += [str(one) for one in own if one.decision != "go"][:1]
    if task.record is not None:
        for kept in pages.of(RESULTS[task.record]):
            flaw = "it failed" if kept.record.result != "passed" else pages.flaw(kept, now)
            if flaw is None:
                found.append(Done(kept.record.when, str(kept)))
                break
            flaws.append(f"{kept.file}: {flaw}")
    if task.stage is None and task.record is None:
        proof = pages.proof(task.name, now)
        if proof.kept is not None:
            found.append(Done(proof.kept.record.when, str(proof.kept)))
        elif proof.missing is not None and ": not on record" not in proof.missing:
            flaws.append(proof.missing)
    if not found:
        return Done(None, flaws[0] if flaws else "never" + pages.unreadable)
    return max(found, key=lambda one: one.at or now)


def overdue(done: Iterable[tuple[RoutineTask, Done]], now: datetime) -> tuple[str, ...]:
    """The tasks that were not done in time, a phrase each."""
    found = []
    for task, last in done:
        if last.at is None:
            found.append(f"{task.name}: {last.said}")
        elif now - last.at > task.due_after:
            age, within = (now - last.at) / DAY, task.due_after / DAY
            found.append(f"{task.name}: {age:.1f} days ago, expected within {within:.3g} days ({last.said})")
    return tuple(found)
