"""A double of two public interfaces, as far as the suite asks them; nothing is behind it.

The status page answers as Atlassian Statuspage's public API, version 2, does (`/api/v2/status.json`,
`/api/v2/scheduled-maintenances/upcoming.json`), the rest as GitHub's REST API does for issues
(`/repos/OWNER/REPOSITORY/issues/NUMBER`) and check runs (`/repos/OWNER/REPOSITORY/commits/SHA/check-runs`).
It always has the same to say: a maintenance is announced, all systems are operational, the first ticket is
closed and the second is open, every commit was built.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_platform.services import errors
from reference_platform.services.metrics import Metrics
from reference_platform.services.serving import Around, Service

PAGE = {
    "id": "midstpage000",
    "name": "In midst",
    "url": "https://status.midst.example",
    "time_zone": "Etc/UTC",
}
STATES = {1: "closed", 2: "open"}
"""Tickets by number."""


def build(around: Around) -> Service:
    """Make the double. It needs nothing."""
    began = datetime.fromtimestamp(around.started, UTC).replace(microsecond=0)

    async def status(_: Request) -> JSONResponse:
        said = {"indicator": "none", "description": "All Systems Operational"}
        return JSONResponse({"page": _page(began), "status": said})

    async def upcoming(_: Request) -> JSONResponse:
        return JSONResponse({"page": _page(began), "scheduled_maintenances": [_maintenance(began)]})

    async def issue(request: Request) -> JSONResponse:
        number = request.path_params["number"]
        if number not in STATES:
            return JSONResponse({"message": "Not Found", "status": "404"}, status_code=404)
        return JSONResponse(_issue(number, began, str(request.url)))

    async def check_runs(request: Request) -> JSONResponse:
        runs = [_check_run(request.path_params["sha"], began)]
        return JSONResponse({"total_count": len(runs), "check_runs": runs})

    return Service(
        routes=(
            Route("/api/v2/status.json", status),
            Route("/api/v2/scheduled-maintenances/upcoming.json", upcoming),
            Route("/repos/{owner}/{repository}/issues/{number:int}", issue),
            Route("/repos/{owner}/{repository}/commits/{sha}/check-runs", check_runs),
        ),
        metrics=Metrics("outside"),
        exception_handlers=errors.handlers(around.log),
        middleware=(),
    )


def _page(now: datetime) -> dict[str, str]:
    return {**PAGE, "updated_at": now.isoformat()}


def _maintenance(now: datetime) -> dict[str, Any]:
    return {
        "id": "maintenance00",
        "name": "Scheduled Maintenance",
        "status": "scheduled",
        "created_at": now.isoformat(),
        "updated_at": now.isoformat(),
        "impact": "maintenance",
        "scheduled_for": (now + timedelta(days=2)).isoformat(),
        "scheduled_until": (now + timedelta(days=2, minutes=30)).isoformat(),
        "incident_updates": [],
        "components": [],
        "page_id": PAGE["id"],
    }


def _issue(number: int, now: datetime, url: str) -> dict[str, Any]:
    closed = STATES[number] == "closed"
    return {
        "url": url,
        "number": number,
        "title": f"Maintenance window {number}",
        "state": STATES[number],
        "state_reason": "completed" if closed else None,
        "created_at": now.isoformat(),
        "updated_at": now.isoformat(),
        "closed_at": now.isoformat() if closed else None,
    }


def _check_run(sha: str, now: datetime) -> dict[str, Any]:
    return {
        "id": 1,
        "name": "build",
        "head_sha": sha,
        "status": "completed",
        "conclusion": "success",
        "started_at": now.isoformat(),
        "completed_at": now.isoformat(),
    }
