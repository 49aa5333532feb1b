"""The 3 a.m. view: decision, causes, then for each red check where, expected, seen and remedy."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from reports.verdict import CheckVerdict, Counts, Verdict, some

COLORS = {
    "go": "32;1",
    "stop": "31;1",
    "undecided": "33;1",
    "failed": "31",
    "could_not_look": "35",
    "no_result": "35",
}
GENTLER = "33"
FAINT = "2"
MARKS = {"passed": "✓", "failed": "✗", "could_not_look": "?", "no_result": "∅", "gap": "–", "waived": "~"}
WORDS = {
    "passed": "passed",
    "failed": "failed",
    "could_not_look": "could not look",
    "no_result": "no result",
    "gap": "gap",
    "waived": "waived",
}
CHECKS_OF_A_CAUSE = 6
MESSAGE_LINES = 4


PASSED_ONE_BY_ONE = 40
"""Up to so many passed checks are named one by one; beyond it the red ones would be lost among them."""


class Out(Protocol):
    """A stream of text, such as a file or pytest's terminal writer."""

    def write(self, text: str, /) -> object:
        """Write text."""
        ...


def show(verdict: Verdict, out: Out, *, color: bool) -> None:
    """Write the view of a verdict; colours only where a person reads."""
    view = _View(out, color)
    passed = [check for check in verdict.checks if check.outcome == "passed"]
    if len(passed) > PASSED_ONE_BY_ONE:
        view.line(f"✓ {len(passed)} checks passed", FAINT)
        passed = []
    gaps = [check for check in verdict.checks if check.outcome == "gap"]
    for check in [*passed, *gaps]:
        view.quiet(check)
    for check in verdict.checks:
        if check.outcome not in {"passed", "gap"}:
            view.red(check, verdict.runbook_url or "", verdict.decided_at)
    view.decision(verdict)


class _View:
    def __init__(self, out: Out, color: bool) -> None:
        self._out = out
        self._color = color

    def line(self, text: str = "", code: str | None = None) -> None:
        self._out.write((f"\x1b[{code}m{text}\x1b[0m" if self._color and code else text) + "\n")

    def quiet(self, check: CheckVerdict) -> None:
        self.line(f"{_head(check)} {check.message or check.title}", FAINT)

    def red(self, check: CheckVerdict, runbook: str, decided_at: datetime) -> None:
        since = ""
        if check.red_since is not None:
            is_new = check.red_since == decided_at
            since = " (new)" if is_new else f" (red since {check.red_since:%Y-%m-%d %H:%M} UTC)"
        self.line(f"{_head(check)} {check.title}{since}", COLORS.get(check.outcome, GENTLER))
        if check.seen is not None:
            self.line(f"    where    {check.where}")
            self.line(f"    expected {check.expected}")
            self.line(f"    seen     {check.seen}")
        else:
            for text in check.message.splitlines()[:MESSAGE_LINES]:
                self.line(f"    why      {text}")
        self.line(f"    remedy   {check.remedy}")
        self.line(f"    runbook  {runbook}#{check.runbook}")

    def decision(self, verdict: Verdict) -> None:
        release = f", release {verdict.release}" if verdict.release else ""
        head = f"{verdict.decision.upper()}: {verdict.stage or 'unknown stage'} of {verdict.target}{release}"
        self.line()
        self.line(head, COLORS[verdict.decision])
        for cause in verdict.causes:
            names = some(cause.checks, CHECKS_OF_A_CAUSE)
            many = f"{len(cause.checks)} checks: " if len(cause.checks) > 1 else ""
            self.line(f"  cause    {cause.where}: {cause.why} ({many}{names})")
        for reason in verdict.reasons:
            self.line(f"  because  {reason}")
        for warning in verdict.warnings:
            self.line(f"  warning  {warning}", GENTLER)
        self.line(f"  {_counts(verdict.counts)}; {_cost(verdict)}", FAINT)


def _head(check: CheckVerdict) -> str:
    return f"{MARKS[check.outcome]} {check.name:<22} {WORDS[check.outcome]:<14}"


def _counts(counts: Counts) -> str:
    shown = [f"{number} {WORDS[what]}" for what, number in counts.model_dump().items() if number]
    return ", ".join(shown) or "no check"


def _cost(verdict: Verdict) -> str:
    cost = verdict.cost
    return (
        f"{cost.looks} looks, {cost.requests} requests, {cost.statements} statements in {cost.seconds:.1f} s;"
        f" valid until {verdict.valid_until:%Y-%m-%d %H:%M} UTC"
    )
