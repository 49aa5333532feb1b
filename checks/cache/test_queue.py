from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.cache.queue import Backlog, Failed


@pytest.mark.check(
    id="RED-04",
    runbook="warning-alerts-investigate-within-1-hour",
    covers=["warning-alerts.jobs-pile-up"],
    severity="normal",
    stages=["post_deploy", "nightly", "incident"],
    remedy="See whether the worker runs (HLT-08) and what its log says; then give it more hands.",
)
def test_jobs_do_not_pile_up(backlog: Backlog, limits: Limits) -> None:
    """Pending jobs stay under their limit, and the oldest is young where its age can be seen."""
    assert backlog.pending < limits.jobs_pending_at_most
    assert backlog.old == ()


@pytest.mark.check(
    id="RED-05",
    runbook="daily",
    covers=["daily.failed-jobs"],
    severity="normal",
    stages=["nightly"],
    remedy="Read why it failed, give it again or drop it; record the review: failed jobs reviewed.",
)
def test_failed_jobs_were_reviewed(failed_jobs: Failed) -> None:
    """Failed jobs were reviewed: none is unacknowledged."""
    assert failed_jobs.unreviewed == ()
