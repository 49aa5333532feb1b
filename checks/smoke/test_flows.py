from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.journeys.events import Event
from opsverify.journeys.profiles import Life, Search, Subscription
from opsverify.journeys.tasks import Task


@pytest.mark.check(
    id="SMK-01",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="blocker",
    stages=["post_deploy", "post_maintenance"],
    remedy="The requests are in the evidence: find the first one that shows another value than was written. "
    "A profile that was left behind is removed by the next run, a minute later.",
    mutates="synthetic",
)
def test_profile_lives_its_life(life: Life) -> None:
    """A synthetic profile can be created, read, changed, listed and deleted; a read after each write shows
    the new value; nothing is left behind, even when a step fails.
    """
    assert life.refused == ()
    assert life.read == life.written
    assert life.listed == life.written
    assert life.left == ()


@pytest.mark.check(
    id="SMK-03",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="critical",
    stages=["post_deploy", "post_maintenance"],
    remedy="Read the api's log for the search. 429: the profile named in [synthetic] needs a paid tier.",
    mutates="synthetic",
)
def test_job_search_answers(search: Search) -> None:
    """A job search answers in form."""
    assert search.status == 200
    assert search.defects == ()


@pytest.mark.check(
    id="SMK-06",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="critical",
    stages=["post_deploy", "post_maintenance"],
    remedy="Still queued: look whether the worker runs (ORCH_WORKER_ENABLED) and how long the queue is. "
    "Failed: read the orchestrator's log for the task.",
    mutates="synthetic",
)
def test_task_completes(task: Task, limits: Limits) -> None:
    """A task given to the orchestrator completes in time."""
    assert task.accepted in (200, 201, 202)
    assert task.state == "completed"
    assert task.seconds <= limits.task_completes_at_most_seconds


@pytest.mark.check(
    id="SMK-07",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="critical",
    stages=["post_deploy", "post_maintenance"],
    remedy="Read the api's log for the billing route. 404: new profiles have no subscription here; "
    "name a kept profile in [synthetic].",
    mutates="synthetic",
)
def test_subscription_can_be_read(subscription: Subscription) -> None:
    """The subscription of the synthetic profile can be read."""
    assert subscription.status == 200
    assert subscription.defects == ()


@pytest.mark.check(
    id="SMK-10",
    runbook="playbook-stripe-webhooks-failing",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="critical",
    stages=["post_deploy", "post_maintenance"],
    remedy="401: STRIPE_WEBHOOK_SECRET here and in the api differ. 5xx: read the api's log for the webhook, "
    "and have the provider send again what it could not deliver meanwhile.",
    mutates="synthetic",
)
def test_event_is_accepted(event: Event) -> None:
    """A rightly signed Stripe test event is accepted."""
    assert event.status == 200
    assert event.said == "ok"
