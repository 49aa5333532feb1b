"""Telling others: a notice on stop, and a heartbeat after each nightly run.

Neither can change a verdict, which is written by then. Both are bounded in time; what could not
be delivered is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.verdict import Verdict, some

WITHIN_SECONDS = 5.0
REASONS_AT_MOST = 10


@dataclass(frozen=True)
class Addresses:
    """Where to; secrets, so they are not shown."""

    webhook: str | None = None
    heartbeat: str | None = None

    def __repr__(self) -> str:
        return "Addresses(•••)"


def tell(verdict: Verdict, addresses: Addresses, *, report: str) -> list[str]:
    """Send what is to be sent of a finished run.

    Args:
        verdict: as it was written.
        addresses: where to, as far as the environment names it.
        report: where the report is, for who reads the notice.

    Returns:
        A sentence for each that was not delivered.
    """
    undelivered = []
    if verdict.decision == "stop" and addresses.webhook:
        undelivered += _post("the notice on stop", addresses.webhook, _notice(verdict, report))
    if verdict.stage == "nightly" and addresses.heartbeat:
        undelivered += _post("the heartbeat", addresses.heartbeat, {"decision": verdict.decision})
    return undelivered


def _notice(verdict: Verdict, report: str) -> dict[str, object]:
    release = f" (release {verdict.release})" if verdict.release else ""
    head = f"STOP: {verdict.stage} of {verdict.target}{release}"
    causes = [f"{cause.where}: {cause.why} ({some(cause.checks, 5)})" for cause in verdict.causes]
    lines = [head, *causes, *verdict.reasons[:REASONS_AT_MOST], f"report: {report}"]
    return {
        "text": "\n".join(lines),
        "decision": verdict.decision,
        "target": verdict.target,
        "stage": verdict.stage,
        "release": verdict.release,
        "reasons": verdict.reasons,
        "report": report,
    }


def _post(what: str, address: str, body: dict[str, object]) -> list[str]:
    import httpx

    try:
        answer = httpx.post(address, json=body, timeout=WITHIN_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [f"{what} was not delivered: {type(error).__name__}"]
    if not answer.is_success:
        return [f"{what} was not delivered: the receiver answered {answer.status_code}"]
    return []
