from __future__ import annotations

import pytest

from opsverify.probes.flags import Rollout


@pytest.mark.check(
    id="CFG-05",
    runbook="pre-deployment-checklist",
    covers=["pre-deployment.flags-begin-gradually"],
    severity="normal",
    stages=["pre_deploy"],
    remedy="Give the flag an owner and start it below 100 %, or correct the release's record.",
)
def test_flags_roll_out_gradually(rollout: Rollout) -> None:
    """The release's feature flags are there, have an owner each, and start below 100 %."""
    assert rollout.wrong == ()
