"""What people attested: around the deployment that is planned and the one that was, and day by day."""

from __future__ import annotations

from datetime import datetime

from opsverify.environment import RUNBOOK_TASKS
from reference_platform.records.deployments import BY, WINDOW
from reference_platform.records.keeping import Table
from reference_platform.repository import NEXT, RELEASED
from reference_platform.state import Platform

ON_CALL = "sre-on-call"
PLAN = "attestations/rollback-plan-next.toml"
NOTICE = "attestations/on-call-notified.toml"
DASHBOARDS = "attestations/dashboards-reviewed.toml"
FLOWS = "attestations/key-flows-verified.toml"
PROCEDURE = "attestations/rollback-procedure.toml"
CONFIRMED = "attestations/on-call-engineer-confirmed.toml"
LOAD = "load/baseline.toml"


def tables(platform: Platform, started: datetime, ended: datetime) -> dict[str, Table]:
    """Attestations and routine tasks, by file.

    Args:
        platform: whose records they are.
        started: when `up` began to start services.
        ended: when all were ready.
    """
    plan = {"link": "https://midst.example/rollback"}
    return {
        PLAN: _said(BY, started, "rollback plan", release=NEXT, **plan),
        "attestations/rollback-plan-running.toml": _said(
            BY, started, "rollback plan", release=RELEASED, **plan
        ),
        NOTICE: _said(BY, started, "on-call notified", window=WINDOW),
        DASHBOARDS: _said(ON_CALL, ended, "dashboards reviewed", release=RELEASED),
        FLOWS: _said(ON_CALL, ended, "key flows verified", release=RELEASED),
        PROCEDURE: _said(BY, started, "rollback procedure", window=WINDOW, **plan),
        CONFIRMED: _said(ON_CALL, started, "on-call engineer confirmed", window=WINDOW),
        **{
            f"routine/{task.name.replace(' ', '-')}.toml": _said(ON_CALL, started, task.name)
            for task in RUNBOOK_TASKS
            if task.stage is None and task.record is None
        },
        LOAD: {
            "kind": "load-run",
            "who": ON_CALL,
            "when": started,
            "profile": "baseline",
            "result": "passed",
        },
    }


def _said(who: str, when: datetime, what: str, **about: str) -> Table:
    return {"kind": "attestation", "who": who, "when": when, "what": what, **about}
