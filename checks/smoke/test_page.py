from __future__ import annotations

import pytest

from opsverify.environment import Limits
from opsverify.probes.browser import Rendered


@pytest.mark.check(
    id="SMK-08",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="critical",
    stages=["post_deploy", "nightly", "post_maintenance"],
    remedy="Look at the picture and the console in the evidence. A failed request to the api: compare the "
    "address that the page was built with.",
)
def test_page_renders(page: Rendered, limits: Limits) -> None:
    """The web page renders in a real browser: the expected element is visible, no uncaught error, no failed
    request to its own origins.
    """
    assert page.status == 200
    assert page.missing == ()
    assert page.errors == ()
    assert page.failed_requests == ()
    assert page.seconds <= limits.page_renders_at_most_seconds
