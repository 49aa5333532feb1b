"""What sessions do, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsverify.environment import Environment, Postgres
from opsverify.evidence import Evidence, one_line
from opsverify.finding import Finding
from opsverify.looking import Snapshot
from opsverify.probes.database.asking import Answers, answers
from opsverify.probes.database.wording import age, statement

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class Sessions(Snapshot):
    """Sessions that have been too long in what they do."""

    idle: tuple[str, ...]
    """`pid 71 (midst, api): idle for 12 min, expected at most 10 min; SELECT pg_terminate_backend(71);`."""
    idle_in_transaction: tuple[str, ...]
    slow: tuple[str, ...]
    """Queries that run too long."""
    waiting: tuple[str, ...]
    """Queries that wait too long for a lock."""


def sessions(environment: Environment, postgres: Postgres) -> Sessions:
    """See which sessions idle, run or wait beyond their limits.

    Raises:
        CouldNotLook: the server did not answer, or does not show other roles' sessions.
    """
    limits = environment.limits
    in_incident = environment.asked.stage == "incident"
    idle_at_most = (
        limits.session_idle_in_incident_at_most_seconds
        if in_incident
        else limits.session_idle_at_most_seconds
    )
    seen = answers(environment, postgres)
    idle, in_transaction, slow, waiting = [], [], [], []
    for row in seen.rows("sessions", of_all=True):
        state = row["state"] or ""
        since = row["in_state_seconds"] or 0
        running = row["query_seconds"] or 0
        waited = row["waited_seconds"] or 0
        if state == "idle" and since > idle_at_most:
            idle.append(_finding(row, "idle", since, idle_at_most, "pg_terminate_backend"))
        elif state.startswith("idle in transaction") and since > limits.idle_in_transaction_at_most_seconds:
            allowed = limits.idle_in_transaction_at_most_seconds
            in_transaction.append(_finding(row, state, since, allowed, "pg_terminate_backend"))
        elif state in {"active", "fastpath function call"}:
            if row["waits"] and waited > limits.lock_wait_at_most_seconds:
                waiting.append(_waiting(row, waited, limits.lock_wait_at_most_seconds))
            if running > limits.query_at_most_seconds:
                slow.append(
                    _finding(row, "running", running, limits.query_at_most_seconds, "pg_cancel_backend")
                )
    return Sessions(
        where=seen.where,
        idle=tuple(idle),
        idle_in_transaction=tuple(in_transaction),
        slow=tuple(slow),
        waiting=tuple(waiting),
        evidence=_evidence(seen),
    )


def _finding(row: dict[str, Any], doing: str, seconds: float, allowed: float, by: str) -> Finding:
    what = f", {statement(row['query'])}" if row["state"] != "idle" and row["query"] else ""
    return Finding(
        f"{_named(row)}: {doing} for {age(seconds)}, expected at most {age(allowed)}{what};"
        f" SELECT {by}({row['pid']});",
        about=row["application"] or row["role"] or str(row["pid"]),
    )


def _waiting(row: dict[str, Any], seconds: float, allowed: float) -> Finding:
    by = ", ".join(map(str, (row["blocked_by"] or [])[:5])) or "nobody any more"
    first = (row["blocked_by"] or [row["pid"]])[0]
    return Finding(
        f"{_named(row)}: waits {age(seconds)} for a lock held by {by}, expected at most {age(allowed)},"
        f" {statement(row['query'] or '')}; SELECT pg_terminate_backend({first});",
        about=row["application"] or row["role"] or str(row["pid"]),
    )


def _named(row: dict[str, Any]) -> str:
    who = [one_line(row[key]) for key in ("role", "application") if row[key]]
    return f"pid {row['pid']} ({', '.join(who)})"


def _evidence(seen: Answers) -> tuple[Evidence, ...]:
    """The question and the sessions, without what their statements hold."""
    lines = [
        f"{_named(row)} {row['state']} for {row['in_state_seconds'] or 0:.1f} s:"
        f" {statement(row['query'] or '')}"
        for row in seen.rows("sessions")
    ]
    return (
        Evidence("sessions", f"{seen.where}\n{seen.asked['sessions']}\n\n" + "\n".join(lines or ["(none)"])),
    )
