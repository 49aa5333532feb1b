"""The gate: go, stop or undecided, from what the runs left on disk and never from memory.

`python -m reports.gate RESULTS… [--json FILE]` decides again, also over several folders whose
parts together cover a stage. Gaps, waivers and validity are judged as of now.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from opsverify.records import BadRecord, Override, load_override
from reports import results
from reports.outcome import judge, waiver_is_refused, worst
from reports.results import Cause, Result, RunResults
from reports.run import PlannedCheck, Run, RunCost, utc_now, write_atomically
from reports.verdict import (
    EXIT_CODES,
    INTERRUPTED,
    USAGE_ERROR,
    AppliedOverride,
    CauseOfMany,
    CheckVerdict,
    Counts,
    Decision,
    JudgedRun,
    Verdict,
    some,
)

LOOKED = ("passed", "failed", "waived")
"""Outcomes that show something was seen. A verdict without any of them has measured nothing."""
CLOCKS_APART = timedelta(minutes=5)
"""How much later than here it may have been where a run ended."""
PYTEST_TESTS_FAILED = 1
PYTEST_KNOWN_ENDS = (0, PYTEST_TESTS_FAILED)


@dataclass(frozen=True)
class Given:
    """A break-glass record and where it was read from."""

    record: Override
    path: Path


def decide(folders: Iterable[Path], *, now: datetime | None = None, override: Given | None = None) -> Verdict:
    """The verdict over one or several result folders.

    Args:
        folders: folders that hold run.json and Allure results, or report folders around them.
        now: the moment to judge at; the present one by default.
        override: a break-glass record; where policy allows it and it is in force, stop becomes go.
    """
    now = now or utc_now()
    found = [results.read(folder) for folder in folders]
    runs = [one.run for one in found if one.run is not None]
    checks = _judge_all(found, now)
    undecided = [
        *_unreadable(found),
        *_disagreements(runs),
        *_cut_off(runs, now),
        *(sentence for one in found for sentence in _unplanned(one)),
        *_unexplained_exits(found, checks),
        *_part(runs),
        *_nothing_measured(runs, checks),
    ]
    missing = [check.name for check in checks if check.outcome == "no_result" and check.effect != "stop"]
    if missing:
        undecided.append(f"no result came back for {some(missing)}")
    valid_until = _valid_until(runs, now)
    if runs and now > valid_until:
        undecided.append(f"the verdict was valid until {valid_until:%Y-%m-%d %H:%M} UTC: run the stage again")
    stopping = [check for check in checks if check.effect == "stop"]
    warnings = _warnings(runs, checks, now)
    applied = None
    if stopping and override is not None:
        refusals = _why_no_override(override, runs, now)
        undecided += refusals
        if not refusals:
            applied = AppliedOverride(
                **override.record.model_dump(include={"who", "why", "ticket", "until"}),
                record=str(override.path),
            )
            warnings += [f"let through by {applied.who} ({applied.ticket}: {applied.why})"]
            warnings += [_stop_sentence(check) for check in stopping]
    stops = bool(stopping) and applied is None
    decision: Decision = "stop" if stops else "undecided" if undecided else "go"
    exit_code = EXIT_CODES[decision]
    if any(run.interrupted for run in runs):
        decision, exit_code = "undecided", INTERRUPTED
        undecided.insert(0, "the run was interrupted")
    run = runs[0] if runs else None
    return Verdict(
        decision=decision,
        exit=exit_code,
        target=run.target if run else "unknown",
        protected=any(one.protected for one in runs),
        stage=run.stage if run else None,
        release=run.release if run else None,
        commit=run.commit if run else None,
        runbook_url=run.runbook_url if run else None,
        decided_at=now,
        valid_until=valid_until,
        selection="part" if _taken_away(runs) else "stage",
        runs=[_judged(one.run, one.folder) for one in found if one.run is not None],
        cost=_cost(runs),
        counts=Counts.model_validate(Counter(check.outcome for check in checks)),
        reasons=([_stop_sentence(check) for check in stopping] if stops else []) + undecided,
        warnings=warnings,
        causes=_causes(found, checks),
        override=applied,
        checks=checks,
    )


def undecided_yet(run: Run, results_folder: Path, why: str, *, exit_code: int | None = None) -> Verdict:
    """The verdict that stands while a run is under way, or when none could be reached."""
    now = utc_now()
    return Verdict(
        decision="undecided",
        exit=EXIT_CODES["undecided"] if exit_code is None else exit_code,
        target=run.target,
        protected=run.protected,
        stage=run.stage,
        release=run.release,
        commit=run.commit,
        runbook_url=run.runbook_url,
        decided_at=now,
        valid_until=now,
        selection="stage",
        runs=[_judged(run, results_folder)],
        cost=run.cost,
        counts=Counts(),
        reasons=[why],
        warnings=[],
        causes=[],
        checks=[],
    )


def not_written(verdict: Verdict, why: str) -> Verdict:
    """What a verdict that could not be written becomes: stop stays stop, go is not to be relied on."""
    update: dict[str, object] = {"reasons": [*verdict.reasons, why]}
    if verdict.decision == "go":
        update |= {"decision": "undecided", "exit": EXIT_CODES["undecided"]}
    return verdict.model_copy(update=update)


def _judge_all(found: list[RunResults], now: datetime) -> list[CheckVerdict]:
    """Every selected check of every run, in planned order; of several verdicts on one the worst."""
    by_name: dict[str, list[CheckVerdict]] = {}
    for one in found:
        if one.run is None:
            continue
        came_back: dict[str, list[Result]] = {}
        for result in one.results:
            came_back.setdefault(result.name, []).append(result)
        for planned in one.run.checks:
            if planned.selected:
                verdict = judge(
                    planned, came_back.get(planned.name, []), protected=one.run.protected, now=now
                )
                by_name.setdefault(planned.name, []).append(verdict)
    return [worst(verdicts) for verdicts in by_name.values()]


# Why a verdict is undecided: each returns a sentence for everything it finds


def _unreadable(found: list[RunResults]) -> list[str]:
    return [problem for one in found for problem in one.problems] or ([] if found else ["no results given"])


def _disagreements(runs: list[Run]) -> list[str]:
    sentences = []
    for what in ("target", "stage", "release", "commit", "protected"):
        values = sorted({str(getattr(run, what)) for run in runs})
        if len(values) > 1:
            sentences.append(f"the runs are of different {what}s: {', '.join(values)}")
    return sentences


def _cut_off(runs: list[Run], now: datetime) -> list[str]:
    sentences = [f"run {run.id} has no end: it was cut off" for run in runs if run.ended is None]
    late = now + CLOCKS_APART
    sentences += [f"run {run.id} ended in the future" for run in runs if run.ended and run.ended > late]
    return sentences + [f"run {run.id}: {error}" for run in runs for error in run.errors]


def _unplanned(one: RunResults) -> list[str]:
    if one.run is None:
        return []
    planned = {check.name for check in one.run.checks if check.selected}
    strangers = sorted({result.name for result in one.results} - planned)
    return [f"results that no plan names: {some(strangers)}"] if strangers else []


def _unexplained_exits(found: list[RunResults], checks: list[CheckVerdict]) -> list[str]:
    red = any(check.outcome not in {"passed", "gap"} for check in checks)
    sentences = []
    for one in found:
        run = one.run
        if run is None or run.ended is None or run.interrupted:
            continue
        if run.pytest_exit not in PYTEST_KNOWN_ENDS:
            sentences.append(f"run {run.id} ended with pytest's exit status {run.pytest_exit}")
        elif run.pytest_exit == PYTEST_TESTS_FAILED and not red:
            sentences.append(f"run {run.id} ended with failures that no result shows")
    return sentences


def _taken_away(runs: list[Run]) -> list[str]:
    planned = {check.name: None for run in runs for check in run.checks}
    selected = {check.name for run in runs for check in run.checks if check.selected}
    return [name for name in planned if name not in selected]


def _part(runs: list[Run]) -> list[str]:
    away = _taken_away(runs)
    return [f"a part of the stage never says go; not asked: {some(away)}"] if away else []


def _nothing_measured(runs: list[Run], checks: list[CheckVerdict]) -> list[str]:
    if not runs or any(check.outcome in LOOKED for check in checks):
        return []
    if not any(run.checks for run in runs):
        return ["nothing was planned for this stage"]
    if checks and all(check.outcome == "gap" for check in checks):
        return ["every check of this stage is a gap: nothing was looked at"]
    return ["nothing was seen: no check came to a judgement"]


def _why_no_override(given: Given, runs: list[Run], now: datetime) -> list[str]:
    """Why a break-glass record does not count, a sentence each."""
    record = given.record
    sentences = []
    if not record.in_force(now):
        sentences.append(f"the break-glass record {given.path} ended on {record.until}")
    if not all(run.break_glass for run in runs):
        sentences.append("the environment's policy allows no break-glass record for this stage")
    for what in ("target", "stage", "release"):
        wanted = getattr(record, what)
        if wanted is not None and any(getattr(run, what) != wanted for run in runs):
            sentences.append(f"the break-glass record is for {what} {wanted}")
    return sentences


# What stands beside the decision


def _stop_sentence(check: CheckVerdict) -> str:
    outcome = {"failed": "failed", "could_not_look": "could not look", "no_result": "has no result"}
    message = check.message.removeprefix("could not look at ").splitlines()
    return f"{check.name} {outcome[check.outcome]}: {message[0] if message else 'no message'}"


def _warnings(runs: list[Run], checks: list[CheckVerdict], now: datetime) -> list[str]:
    planned = {check.name: (check, run.protected) for run in runs for check in run.checks}
    sentences = []
    for check in checks:
        plan, protected = planned[check.name]
        if check.effect == "warn" and check.outcome != "no_result":
            sentences.append(f"{check.name} {check.outcome.replace('_', ' ')}: {check.message}")
        if check.outcome == "passed" and check.looks > 1:
            sentences.append(f"{check.name} settled only at look {check.looks}")
        sentences += _about_the_waiver(check, plan, protected=protected, now=now)
    return sentences


def _about_the_waiver(
    check: CheckVerdict, plan: PlannedCheck, *, protected: bool, now: datetime
) -> list[str]:
    waiver = plan.waiver
    if waiver is None:
        return []
    if waiver_is_refused(plan, protected=protected):
        return [f"{check.name}: its waiver is refused: no blocker is waived on a protected environment"]
    if not waiver.in_force(now):
        return [
            f"{check.name}: its waiver ended on {waiver.until} (owner {waiver.owner}): remove or renew it"
        ]
    if check.outcome == "passed":
        return [f"{check.name} passes: remove its waiver (owner {waiver.owner}: {waiver.reason})"]
    return []


def _causes(found: list[RunResults], checks: list[CheckVerdict]) -> list[CauseOfMany]:
    """Checks that are red for the same reason, most of them first."""
    caused: dict[str, Cause] = {}
    for one in found:
        for result in one.results:
            if result.judgement is not None and result.judgement.cause is not None:
                caused.setdefault(result.name, result.judgement.cause)
    grouped: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        cause = caused.get(check.name)
        if cause is not None and check.outcome in {"failed", "could_not_look", "waived"}:
            grouped.setdefault((cause.where, cause.why), []).append(check.name)
    causes = [CauseOfMany(where=where, why=why, checks=names) for (where, why), names in grouped.items()]
    return sorted(causes, key=lambda cause: -len(cause.checks))


def _valid_until(runs: list[Run], now: datetime) -> datetime:
    """Counts from the end of the oldest run; a run without an end is valid for no time."""
    ends = [run.ended + timedelta(minutes=run.valid_for_minutes) for run in runs if run.ended is not None]
    return min(ends) if runs and len(ends) == len(runs) else now


def _cost(runs: list[Run]) -> RunCost:
    total = RunCost()
    for run in runs:
        total = total.plus(run.cost)
    return total


def _judged(run: Run, folder: Path) -> JudgedRun:
    return JudgedRun(
        id=run.id,
        results=str(folder),
        started=run.started,
        ended=run.ended,
        pytest_exit=run.pytest_exit,
        errors=run.errors,
    )


def main(arguments: list[str] | None = None) -> int:
    """Decide again from result folders; prints the view for people and the GATE line."""
    from reports.terminal import show

    parser = argparse.ArgumentParser(prog="python -m reports.gate", description=__doc__, exit_on_error=False)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="result or report folders")
    parser.add_argument("--override", type=Path, metavar="RECORD", help="a break-glass record")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict there")
    try:
        asked = parser.parse_args(arguments)
    except (argparse.ArgumentError, SystemExit) as error:
        if isinstance(error, SystemExit):  # argparse has said what there is to say
            return 0 if error.code == 0 else USAGE_ERROR
        print(f"python -m reports.gate: {error}", file=sys.stderr)
        return USAGE_ERROR
    try:
        override = Given(load_override(asked.override), asked.override) if asked.override else None
    except BadRecord as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    verdict = decide(asked.results, override=override)
    exit_code = verdict.exit
    if asked.json is not None:
        try:
            write_atomically(asked.json, verdict.model_dump_json(indent=2) + "\n")
        except OSError as error:
            print(f"{asked.json} cannot be written: {error.strerror}", file=sys.stderr)
            verdict = not_written(verdict, f"{asked.json} cannot be written: {error.strerror}")
            exit_code = verdict.exit
    show(verdict, sys.stdout, color=sys.stdout.isatty())
    folder = asked.results[0]
    print(verdict.line(str(folder.parent if folder.name == "results" else folder)), flush=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
