from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.dependencies import Front, Model, Truth, Worker
from opsverify.probes.releases import Start
from opsverify.probes.web import Health, Metrics, Readiness


@pytest.mark.check(
    id="HLT-01",
    runbook="post-deployment-checklist",
    covers=[
        "health.api-three-paths",
        "health.orchestrator-three-paths",
        "health.web-health-path",
        "compose.ask-both-health-paths",
        "helm.ask-the-api-from-inside",
        "post-deployment.services-are-healthy",
        "api-playbook.ask-its-health-path",
        "post-maintenance.services-are-healthy",
        "script.both-health-paths",
    ],
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
    covers=[
        "health.api-three-paths",
        "health.orchestrator-three-paths",
        "post-maintenance.services-are-healthy",
    ],
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
    covers=[
        "health.api-three-paths",
        "health.orchestrator-three-paths",
        "post-deployment.metrics-are-as-before",
        "metrics.page-of-the-api",
    ],
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
    covers=["post-deployment.services-are-healthy"],
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
    covers=["symptom.jobs-stand-still"],
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
    covers=["variables.those-of-the-orchestrator"],
    severity="normal",
    stages=["post_deploy", "nightly"],
    remedy="Start the local model, or correct LOCAL_LLM_URL and the environment file.",
)
def test_language_model_answers(model: Model) -> None:
    """The local language model's address answers."""
    assert model.status == 200


@pytest.mark.check(
    id="HLT-10",
    runbook="deployment-procedures",
    severity="normal",
    stages=["post_deploy", "nightly", "incident"],
    remedy="Read why it ended, in its log and in the system's; a restart by hand is put on record.",
)
def test_restarts_are_explained(start: Start) -> None:
    """No service restarted outside a deployment or a restart on record."""
    assert start.unrecorded == ()
