from __future__ import annotations

import pytest

from opsverify.probes.pages import StatusPage, Ticket


@pytest.mark.check(
    id="MNT-04",
    runbook="scheduled-maintenance",
    covers=["pre-maintenance.page-announces-the-work", "post-maintenance.page-says-all-is-well"],
    severity="normal",
    stages=["pre_maintenance", "post_maintenance"],
    remedy="Set the status page to what users should read now.",
)
def test_status_page_says_what_it_should(status_page: StatusPage) -> None:
    """The status page announces the maintenance before it, and normal operation after it."""
    assert status_page.wrong == ()


@pytest.mark.check(
    id="MNT-05",
    runbook="post-maintenance-checklist",
    covers=["post-maintenance.ticket-is-closed"],
    severity="normal",
    stages=["post_maintenance"],
    remedy="Write down in the ticket what was done, and close it.",
)
def test_maintenance_ticket_is_closed(ticket: Ticket) -> None:
    """The ticket of the newest maintenance window is closed."""
    assert ticket.wrong == ()
