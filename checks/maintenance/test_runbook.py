from __future__ import annotations

import pytest

from opsverify.probes.runbook import Contents, Links


@pytest.mark.check(
    id="MNT-07",
    runbook="monthly",
    covers=["monthly.this-document-is-kept-current"],
    severity="normal",
    stages=["weekly", "monthly"],
    remedy="Read what changed, and let the checks and limits follow. Then refresh the digests: "
    "python -m opsverify inventory RUNBOOK --write INVENTORY. Too old: review it, put the day into its head.",
)
def test_runbook_says_what_is_checked(contents: Contents) -> None:
    """The runbook's items and figures are those the suite checks, and it is not older than its limit."""
    assert contents.differences == ()
    assert contents.days_old <= contents.at_most_days_old


@pytest.mark.check(
    id="MNT-08",
    runbook="related-documentation",
    covers=[
        "documents.troubleshooting",
        "documents.schema-rollback",
        "documents.hosting-it-yourself",
        "documents.billing",
        "documents.security",
        "documents.variables",
    ],
    severity="normal",
    stages=["monthly"],
    remedy="Correct the link, or bring back the document or section that it leads to.",
)
def test_links_lead_somewhere(links: Links) -> None:
    """Documents and anchors that the runbook links to exist."""
    assert links.dead == ()
