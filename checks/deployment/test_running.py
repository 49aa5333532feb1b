from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.availability import Downtime
from opsverify.probes.releases import Version


@pytest.mark.check(
    id="DEP-09",
    runbook="deployment-methods",
    covers=[
        "compose.fetch-the-images",
        "helm.upgrade-the-chart-to-the-tag",
        "rollback.compose-goes-back-to-the-tag",
        "script.new-containers",
    ],
    severity="blocker",
    stages=["post_deploy", "nightly"],
    remedy="Deploy the release on record, pinned by its tag, to this service; or record what was deployed.",
)
def test_the_release_deployed_runs(version: Version) -> None:
    """What runs is the release deployed, pinned, in each service and replica."""
    assert version.floating == ()
    assert version.release == version.deployed


@pytest.mark.check(
    id="DEP-10",
    runbook="deployment-methods",
    covers=["compose.replace-without-a-pause", "script.new-containers"],
    severity="critical",
    stages=["post_deploy"],
    remedy="Let replicas overlap: start the new one, wait until it is ready, then stop the old one.",
)
def test_nobody_was_turned_away(downtime: Downtime, limits: Limits) -> None:
    """No more requests failed while the deployment ran than the environment allows."""
    assert downtime.unrecorded == ()
    assert downtime.failed <= limits.failed_requests_at_most
