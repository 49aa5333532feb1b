from __future__ import annotations

import pytest

from opsverify.probes.migrations import Tagged
from opsverify.probes.proofs import Proven


@pytest.mark.check(
    id="DEP-01",
    runbook="pre-deployment-checklist",
    covers=[
        "pre-deployment.tests-passed",
        "pre-deployment.types-are-right",
        "pre-deployment.linter-is-content",
        "script.proofs-of-the-commit",
    ],
    severity="blocker",
    stages=["pre_deploy"],
    remedy="Make it pass for the release's own commit; a result for another commit proves nothing.",
)
def test_the_commit_is_proven(proven: Proven) -> None:
    """Tests, type check and lint passed for exactly the commit that is to be deployed."""
    assert proven.findings == ()


@pytest.mark.check(
    id="DEP-15",
    runbook="post-deployment-checklist",
    covers=["post-deployment.the-commit-carries-its-tag"],
    severity="normal",
    stages=["post_deploy"],
    remedy="Tag the deployed commit with the release's name and push the tag; never move a tag that is out.",
)
def test_the_deployed_commit_carries_its_tag(release_tag: Tagged) -> None:
    """The commit that was deployed carries the release's tag, here and in the remote."""
    assert release_tag.here == release_tag.commit
    assert release_tag.remote == release_tag.commit
