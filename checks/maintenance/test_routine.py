from __future__ import annotations

import pytest

from opsverify.probes.routine import Routine


@pytest.mark.check(
    id="MNT-06",
    runbook="routine-tasks",
    covers=[
        "daily.error-rate",
        "daily.failed-jobs",
        "daily.last-night-backup",
        "weekly.slow-queries",
        "weekly.trend-of-the-disks",
        "weekly.security-updates",
        "weekly.log-files-rotate",
        "monthly.security-scan",
        "monthly.load-test-of-staging",
        "monthly.unused-resources-are-cleared",
        "monthly.this-document-is-kept-current",
    ],
    severity="normal",
    stages=["nightly"],
    remedy="Do what is overdue, and record it; a run of this suite: see why it did not happen or said stop.",
)
def test_routine_tasks_were_done_in_time(routine: Routine) -> None:
    """The daily, weekly and monthly tasks were done in time, this suite's runs among them."""
    assert routine.overdue == ()
