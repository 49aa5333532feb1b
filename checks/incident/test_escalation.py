from __future__ import annotations

import pytest

from opsverify.probes.escalation import Escalation


@pytest.mark.check(
    id="INC-07",
    runbook="escalation-contacts",
    covers=[
        "escalation.outage",
        "escalation.security",
        "escalation.payments",
        "escalation.database",
        "channels.incidents",
        "channels.engineering",
        "channels.mail-for-outsiders",
    ],
    severity="normal",
    stages=["nightly", "monthly", "onboarding"],
    remedy="Complete the roster: contacts and their response times, channels, and who is on call now.",
)
def test_escalation_is_complete(escalation: Escalation) -> None:
    """The roster names primary and secondary contact and response time for each kind of trouble, the
    channels, and who is on call now.
    """
    assert escalation.missing == ()
