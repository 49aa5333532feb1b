"""A service's metrics under the platform's names, in the text format of Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import Response

disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
"""Upper bounds in seconds; 2 is the limit that the runbook's latency alert asks about."""


class Metrics:
    """The registry of a service, with what every service counts.

    Args:
        prefix: of the process's own figures: `api` gives `api_process_start_time_seconds`.
    """

    def __init__(self, prefix: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(namespace=prefix, registry=self.registry)
        self.requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ("method", "route", "status_code"),
            registry=self.registry,
        )
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Time from the request's arrival to the end of its answer.",
            ("method", "route", "status_code"),
            buckets=BUCKETS,
            registry=self.registry,
        )

    async def endpoint(self, _: Request) -> Response:
        """All metrics."""
        return Response(generate_latest(self.registry), headers={"content-type": CONTENT_TYPE})
