from __future__ import annotations

import pytest

from opsverify.probes.attested import Reviewed, Told, WayBack


@pytest.mark.check(
    id="DEP-04",
    runbook="pre-deployment-checklist",
    covers=[
        "pre-deployment.a-way-back-is-written-down",
        "rollback.compose-goes-back-to-the-tag",
        "rollback.kubernetes-undoes-both-deployments",
    ],
    severity="critical",
    stages=["pre_deploy", "pre_rollback"],
    remedy="Write the plan and record it; name a release to go back to whose tag is still there.",
)
def test_release_can_be_taken_back(way_back: WayBack) -> None:
    """The rollback plan is documented and the release to go back to exists."""
    assert way_back.missing == ()


@pytest.mark.check(
    id="DEP-05",
    runbook="pre-deployment-checklist",
    covers=["pre-deployment.on-call-knows-of-the-window"],
    severity="critical",
    stages=["pre_deploy"],
    remedy="Tell on-call of the window that the planned deployment names, and record it for that window.",
)
def test_on_call_was_told(told: Told) -> None:
    """On-call was notified of this deployment's window."""
    assert told.missing == ()


@pytest.mark.check(
    id="DEP-13",
    runbook="post-deployment-checklist",
    covers=["post-deployment.dashboards-were-looked-at"],
    severity="normal",
    stages=["post_deploy"],
    remedy="Review the dashboards, and record it for this release.",
)
def test_dashboards_were_reviewed(dashboards: Reviewed) -> None:
    """The dashboards were reviewed after the deployment, within the time that the environment gives."""
    assert dashboards.missing == ()


@pytest.mark.check(
    id="DEP-14",
    runbook="post-deployment-checklist",
    covers=["post-deployment.a-person-tried-the-key-flows"],
    severity="normal",
    stages=["post_deploy"],
    remedy="Go through the key flows by hand, and record it for this release.",
)
def test_key_flows_were_verified(flows: Reviewed) -> None:
    """The key user flows were verified by a person after the deployment, likewise in time."""
    assert flows.missing == ()
