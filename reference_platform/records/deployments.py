"""Records of what was deployed, and of what is planned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reference_platform.records.keeping import Table
from reference_platform.repository import NEXT, PREVIOUS, RELEASED, git
from reference_platform.state import Platform

WINDOW = "W-next"
"""Id of the window in which the next release comes."""
WINDOW_NOW = "W-now"
"""Id of the window in which `up` deployed what runs."""
BY = "release-manager"
FLAGS = ("profile-notes",)
"""Feature flags of the next release."""


def commit_of(platform: Platform, release: str) -> str | None:
    """The commit of a release, or None where there is no git."""
    if not platform.repository.is_dir():
        return None
    return git("-C", str(platform.repository), "rev-parse", f"refs/tags/{release}^{{commit}}")


def tables(platform: Platform, started: datetime, ended: datetime) -> dict[str, Table]:
    """Releases, the deployment that `up` was, and the planned one, by file.

    Args:
        platform: whose records they are.
        started: when `up` began to start services.
        ended: when all were ready.
    """
    window = next_window(started)
    return {
        **{
            f"releases/{release}.toml": {
                "kind": "release",
                "who": BY,
                "when": started,
                "release": release,
                "commit": commit_of(platform, release) or "0" * 40,
                "previous": previous,
                "flags": list(FLAGS) if release == NEXT else None,
            }
            for release, previous in ((PREVIOUS, None), (RELEASED, PREVIOUS), (NEXT, RELEASED))
        },
        "deployments/running.toml": deployed(
            platform, RELEASED, previous=PREVIOUS, window=WINDOW_NOW, started=started, ended=ended
        ),
        "deployments/planned.toml": {
            "kind": "deployment",
            "who": BY,
            "when": started,
            "release": NEXT,
            "commit": commit_of(platform, NEXT),
            "state": "planned",
            "previous": RELEASED,
            "window": WINDOW,
            "planned_for": window["starts"],
        },
        "windows/next.toml": window,
        "windows/now.toml": {
            "kind": "window",
            "who": BY,
            "when": started,
            "id": WINDOW_NOW,
            "type": "emergency",
            "reason": "the platform was brought up",
            "starts": started,
            "ends": ended,
            "ticket": "1",
        },
        "availability/running.toml": {
            "kind": "availability",
            "who": BY,
            "when": ended,
            "release": RELEASED,
            "started": started - timedelta(seconds=1),
            "ended": ended,
            "every_seconds": 0.2,
            "asked": 100,
            "failed": 0,
            "urls": [platform.settings.public_url("api") + "/health"],
        },
    }


def deployed(
    platform: Platform,
    release: str,
    *,
    previous: str | None,
    window: str | None,
    started: datetime,
    ended: datetime,
    state: str = "deployed",
) -> Table:
    """The record of a deployment that was carried out."""
    return {
        "kind": "deployment",
        "who": BY,
        "when": ended,
        "release": release,
        "commit": commit_of(platform, release),
        "state": state,
        "previous": previous,
        "window": window,
        "started": started,
        "ended": ended,
    }


def restarted(service: str, when: datetime) -> Table:
    """What an operator writes down who restarted a service."""
    return {"kind": "attestation", "who": "sre-on-call", "when": when, "what": "restart", "service": service}


def next_window(now: datetime) -> dict[str, Any]:
    """The next minor window of the runbook, a day away at least, announced in time."""
    day = now.replace(hour=2, minute=0, second=0, microsecond=0)
    starts = day + timedelta(days=(5 - day.weekday()) % 7)
    if starts <= now:
        starts += timedelta(days=7)
    announced = min(now, starts - timedelta(hours=25))
    return {
        "kind": "window",
        "who": BY,
        "when": announced,
        "id": WINDOW,
        "type": "minor",
        "starts": starts,
        "ends": starts + timedelta(minutes=30),
        "announced": announced,
        "ticket": "2",
    }
