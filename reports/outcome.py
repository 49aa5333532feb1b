"""What became of one planned check: its outcome, and what that does to the gate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from opsverify.check import NONE_DECLARED
from reports.results import Judgement, Result
from reports.run import Excepted, Excused, PlannedCheck
from reports.verdict import CheckVerdict, Effect, Outcome

WORST_FIRST: tuple[Outcome, ...] = ("failed", "could_not_look", "no_result", "waived", "gap", "passed")


def judge(planned: PlannedCheck, results: list[Result], *, protected: bool, now: datetime) -> CheckVerdict:
    """Judge one planned check by the results that came back for it.

    Args:
        planned: the check as the run planned it.
        results: its results in one run; of several the worst counts.
        protected: whether the target is; there no blocker can be waived.
        now: gaps and waivers are judged as of this moment.
    """
    if not results:
        return _verdict(planned, None, "no_result", _missing(planned))
    verdicts = [_judge_one(planned, result, protected=protected, now=now) for result in results]
    return worst(verdicts)


def worst(verdicts: list[CheckVerdict]) -> CheckVerdict:
    """The worst of several verdicts on the same check."""
    return min(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.outcome))


def waiver_is_refused(planned: PlannedCheck, *, protected: bool) -> bool:
    """A blocker on a protected environment cannot be waived."""
    return planned.waiver is not None and protected and planned.severity == "blocker"


def _judge_one(planned: PlannedCheck, result: Result, *, protected: bool, now: datetime) -> CheckVerdict:
    gap = planned.gap
    if gap is not None and result.status == "skipped":
        if gap.in_force(now):
            return _verdict(planned, result, "gap", f"not asked here: {gap.reason}")
        return _verdict(planned, result, "could_not_look", f"its gap ended on {gap.until}: {gap.reason}")
    if result.status == "passed":
        if result.judgement is None:
            return _verdict(planned, result, "no_result", "passed, but nothing shows what was looked at")
        excepted = result.judgement.excepted
        if not excepted:
            return _verdict(planned, result, "passed", "")
        names = ", ".join(one.object for one in excepted)
        over = [one for one in excepted if not one.in_force(now)]
        if over:
            return _verdict(
                planned, result, "failed", f"the waiver of {over[0].object} ended on {over[0].until}"
            )
        why = "; ".join(dict.fromkeys(one.reason for one in excepted))
        return _verdict(planned, result, "waived", f"seen {names} (waived: {why})")
    if result.status == "failed":
        waiver = planned.waiver
        if waiver is None or not waiver.in_force(now) or waiver_is_refused(planned, protected=protected):
            return _verdict(planned, result, "failed", _what_failed(result))
        return _verdict(planned, result, "waived", f"{_what_failed(result)} (waived: {waiver.reason})")
    if result.status == "broken":
        return _verdict(planned, result, "could_not_look", _why_not_looked(result))
    return _verdict(planned, result, "no_result", f"ended as {result.status!r}, which is no result")


def _missing(planned: PlannedCheck) -> str:
    return "planned, but no result came back: the run was cut off, or a worker died"


def _what_failed(result: Result) -> str:
    judgement = result.judgement
    if judgement is None or judgement.seen is None:
        return result.message.removeprefix("AssertionError: ")
    where = f"{judgement.where}: " if judgement.where else ""
    return f"{where}seen {judgement.seen}, expected {judgement.expected}"


def _why_not_looked(result: Result) -> str:
    if result.judgement is not None and result.judgement.cause is not None:
        return f"could not look at {result.judgement.cause.where}: {result.judgement.cause.why}"
    return result.message


def _effect(planned: PlannedCheck, outcome: Outcome) -> Effect:
    if outcome in {"passed", "gap"}:
        return "none"
    if outcome == "waived" or planned.severity == "normal":
        return "warn"
    return "stop"


def _verdict(planned: PlannedCheck, result: Result | None, outcome: Outcome, message: str) -> CheckVerdict:
    judgement = (result.judgement if result else None) or Judgement()
    undeclared = planned.subject == NONE_DECLARED
    return CheckVerdict(
        id=planned.id,
        subject=planned.subject,
        outcome=outcome,
        effect=_effect(planned, outcome),
        severity=planned.severity,
        title=planned.title,
        where="the environment file" if undeclared else judgement.where,
        seen=judgement.seen,
        expected=judgement.expected,
        message=message,
        remedy=_remedy(planned, judgement, outcome),
        runbook=planned.runbook,
        looks=judgement.looks,
        measures=judgement.measures,
        taken_at=judgement.taken_at,
        record=judgement.record,
        seconds=round(result.seconds, 3) if result else 0.0,
        waiver=planned.waiver or next(iter(_plain(judgement.excepted)), None),
        gap=planned.gap,
    )


def _plain(excepted: list[Excepted]) -> Iterator[Excused]:
    """The same without their objects, as a verdict holds a waiver."""
    for one in excepted:
        yield Excused(reason=one.reason, owner=one.owner, until=one.until)


def _remedy(planned: PlannedCheck, judgement: Judgement, outcome: Outcome) -> str:
    """The check's own remedy is for what it saw; when it saw nothing, its cause is mended first."""
    if judgement.remedy is not None:
        return judgement.remedy
    if outcome == "could_not_look" and judgement.cause is not None:
        return f"Mend the cause first ({judgement.cause.where}: {judgement.cause.why}), then look again."
    return planned.remedy
