from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.dependencies import Front, Model, Truth, Worker
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


@pytest.mark.check(
    id="HLT-04",
    runbook="post-deployment-checklist",
    severity="critical",
    stages=["post_deploy", "nightly", "post_maintenance"],
    remedy="Follow the way in: DNS, certificate, ingress rules. A path may lead to another service.",
)
def test_public_address_answers_like_the_internal_one(front: Front) -> None:
    """The public address of each service answers like the internal one."""
    assert front.answer == front.internal_answer


@pytest.mark.check(
    id="HLT-07",
    runbook="troubleshooting-quick-reference",
    severity="normal",
    stages=["incident"],
    remedy="Do not trust this readiness: look at what it names, and mend the service's own dependency check.",
)
def test_readiness_tells_the_truth(truth: Truth) -> None:
    """No service says it is ready while a dependency it needs does not answer."""
    assert truth.ready_without == ()


@pytest.mark.check(
    id="HLT-08",
    runbook="troubleshooting-quick-reference",
    severity="critical",
    stages=["post_deploy", "nightly", "incident", "post_maintenance"],
    remedy="Set ORCH_WORKER_ENABLED=true for the orchestrator and restart it; jobs wait until then.",
)
def test_worker_runs(worker: Worker) -> None:
    """The orchestrator's worker is running."""
    assert worker.state == "running"


@pytest.mark.check(
    id="HLT-09",
    runbook="critical-environment-variables",
    severity="normal",
    stages=["post_deploy", "nightly"],
    remedy="Start the local model, or correct LOCAL_LLM_URL and the environment file.",
)
def test_language_model_answers(model: Model) -> None:
    """The local language model's address answers."""
    assert model.status == 200
