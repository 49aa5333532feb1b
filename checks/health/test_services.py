from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.web import Health, Metrics, Readiness


@pytest.mark.check(
    id="HLT-01",
    runbook="post-deployment-checklist",
    severity="blocker",
    stages=["post_deploy", "nightly", "post_maintenance", "incident"],
    remedy="Look at the service's log and its process; restart it, and roll back if it was just deployed.",
)
def test_service_is_healthy(health: Health, limits: Limits) -> None:
    """Every service answers 200 on its health path within its time limit."""
    assert health.status == 200
    assert health.seconds <= limits.health_at_most_seconds


@pytest.mark.check(
    id="HLT-02",
    runbook="health-check-urls",
    severity="blocker",
    stages=["post_deploy", "nightly", "post_maintenance", "incident"],
    remedy="Read the service's log: it names the dependency that is missing. Mend that first.",
)
def test_service_is_ready(readiness: Readiness) -> None:
    """Every service with a ready path answers 200 and says it is ready."""
    assert readiness.status == 200
    assert readiness.state == "ready"


@pytest.mark.check(
    id="HLT-03",
    runbook="metrics-endpoints",
    severity="critical",
    stages=["post_deploy", "nightly", "post_maintenance"],
    remedy="Open the metrics path by hand: an error page answers in its place, or the page stops midway.",
)
def test_metrics_can_be_read(metrics: Metrics) -> None:
    """Every metrics endpoint answers 200 and parses as Prometheus exposition."""
    assert metrics.status == 200
    assert metrics.defects == ()
