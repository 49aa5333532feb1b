"""Annotations of GitHub Actions: a red check appears on the run's page, with what to do."""

from __future__ import annotations

from collections.abc import Iterator

from reports.verdict import CheckVerdict, Verdict


def workflow_commands(verdict: Verdict) -> Iterator[str]:
    """A workflow command for each check that stops or warns.

    Their form is GitHub's (workflow commands: percent-encoded properties and message).
    """
    for check in verdict.checks:
        if check.effect != "none":
            level = "error" if check.effect == "stop" and verdict.override is None else "warning"
            yield f"::{level} title={_property(_title(check))}::{_message(_text(check))}"


def _title(check: CheckVerdict) -> str:
    return f"{check.name} {check.outcome.replace('_', ' ')}"


def _text(check: CheckVerdict) -> str:
    return f"{check.title} {check.message}\n{check.remedy}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
