"""The services depend on what they say they depend on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reference_platform.faults import fault
from reference_platform.launching import ask
from reference_platform.lifecycle import on_demand
from reference_platform.state import Platform
from reference_platform.waiting import until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for all tests here; each leaves it well."""
    with on_demand(tmp_path_factory.mktemp("state") / "none") as running:
        yield running


@pytest.mark.parametrize("service", ["api", "orchestrator"])
@pytest.mark.parametrize("name", ["HLT-05:stopped", "HLT-05:hangs", "HLT-06:stopped", "HLT-06:hangs"])
def test_readiness_follows_the_dependencies(platform: Platform, service: str, name: str) -> None:
    """Degraded within about a second, whatever way a dependency is away; ready again by itself."""
    url = platform.settings.url(service)
    with fault(name).applied(platform):
        began = time.monotonic()
        answers = [ask(url + "/ready", within=5) for _ in range(2)]
        seconds = (time.monotonic() - began) / len(answers)
        alive = ask(url + "/health", within=5)

    assert answers == [(503, {"status": "degraded"})] * 2
    assert seconds < 1.5
    assert alive[0] == 200
    assert ask(url + "/ready", within=5) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("service", "names"),
    [
        (
            "api",
            ["http_requests_total", "http_request_duration_seconds_bucket", "api_process_start_time_seconds"],
        ),
        ("orchestrator", ["orchestrator_process_start_time_seconds"]),
    ],
)
def test_metrics_have_the_platforms_names(platform: Platform, service: str, names: list[str]) -> None:
    """What the platform exposes is exposed under its names, in the text format."""
    answer = httpx.get(platform.settings.url(service) + "/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert [name for name in names if name not in answer.text] == []


def test_requests_are_logged_as_pino_does(platform: Platform) -> None:
    """Two lines a request, joined by its id; level a number, time in milliseconds."""
    ask(platform.settings.url("api") + "/health", within=5)

    def logged() -> list[dict[str, Any]]:
        lines = map(json.loads, platform.log("api").read_text().splitlines())
        return [one for one in lines if one.get("req", {}).get("url") == "/health"]

    until(lambda: len(logged()) % 2 == 0, within=5, what="the second line of each request is written")
    *_, arrived, answered = logged()
    assert arrived["reqId"] == answered["reqId"]
    assert answered["level"] == 30
    assert answered["res"] == {"statusCode": 200}
    assert answered["responseTime"] >= 0
    assert abs(answered["time"] / 1000 - time.time()) < 60
