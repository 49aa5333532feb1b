"""summary.md: the verdict for people who read it where the pipeline ran."""

from __future__ import annotations

import html
import re

from reports.terminal import WORDS
from reports.verdict import CheckVerdict, Verdict

SIGNS = {"go": "🟢", "stop": "🔴", "undecided": "🟡"}
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")


def summary(verdict: Verdict) -> str:
    """The verdict as Markdown. Text from the target is escaped: it is data."""
    release = f" · release {_plain(verdict.release)}" if verdict.release else ""
    of = f"{verdict.stage} of {_plain(verdict.target)}{release}"
    decided, valid_until = (
        f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (verdict.decided_at, verdict.valid_until)
    )
    lines = [
        f"## {SIGNS[verdict.decision]} {verdict.decision.upper()}: {of}",
        "",
        f"Decided {decided}, valid until {valid_until}. {_counts(verdict)}.",
        "",
    ]
    for title, sentences in (("Reasons", verdict.reasons), ("Warnings", verdict.warnings)):
        if sentences:
            lines += [f"**{title}**", "", *(f"- {_plain(sentence)}" for sentence in sentences), ""]
    if verdict.causes:
        lines += ["**Causes**", ""]
        lines += [
            f"- {_plain(cause.where)}: {_plain(cause.why)} ({_plain(', '.join(cause.checks))})"
            for cause in verdict.causes
        ]
        lines.append("")
    red = [check for check in verdict.checks if check.outcome not in {"passed", "gap"}]
    if red:
        lines += [
            "| check | outcome | where | expected | seen | remedy |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(check, verdict.runbook_url) for check in red]
        lines.append("")
    others = [check for check in verdict.checks if check.outcome in {"passed", "gap"}]
    if others:
        lines += [f"<details><summary>{len(others)} passed or not asked here</summary>", ""]
        lines += [
            f"- {_plain(check.name)} {WORDS[check.outcome]}: {_plain(check.message or check.title)}"
            for check in others
        ]
        lines += ["", "</details>", ""]
    return "\n".join(lines) + "\n"


def _row(check: CheckVerdict, runbook_url: str | None) -> str:
    name = _plain(check.name)
    linked = f"[{name}]({runbook_url}#{check.runbook})" if runbook_url else name
    cells = (
        linked,
        WORDS[check.outcome],
        _plain(check.where or ""),
        _plain(check.expected or ""),
        _plain(check.seen or check.message),
        _plain(check.remedy),
    )
    return f"| {' | '.join(cells)} |"


def _counts(verdict: Verdict) -> str:
    return ", ".join(
        f"{number} {WORDS[what]}" for what, number in verdict.counts.model_dump().items() if number
    )


def _plain(text: str | None) -> str:
    """Text as Markdown shows it unchanged, on one line, as far as is useful in a table."""
    one_line = " ".join((text or "").split())
    return _MARKDOWN.sub(r"\\\1", html.escape(one_line[:600], quote=False))
