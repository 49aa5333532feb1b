from __future__ import annotations

import pytest

from opsverify.probes.incidents import Handled
from opsverify.probes.reviews import Learnt
from opsverify.probes.security import Secured


@pytest.mark.check(
    id="INC-05",
    runbook="incident-commander-checklist",
    covers=[
        "severity.first",
        "severity.second",
        "severity.third",
        "severity.fourth",
        "commander.answers-in-time",
        "commander.judges-severity-and-impact",
        "commander.tells-those-concerned",
        "commander.gives-out-the-tasks",
        "commander.restores-service-first",
        "commander.confirms-and-closes",
        "commander.sets-the-review-day",
    ],
    severity="normal",
    stages=["incident", "weekly", "post_incident"],
    remedy="Do what is missing and write it into the incident's record; what was late is for its review.",
)
def test_incidents_are_handled_in_seven_steps(handled: Handled) -> None:
    """The record of each incident shows its commander's seven steps: acknowledged in the channel in time,
    severity and impact, a status update, an assignee, the mitigation, a green run before it was closed, a
    review soon after.
    """
    assert handled.missed == ()


@pytest.mark.check(
    id="INC-06",
    runbook="post-incident-review-template",
    covers=["post-mortem.head-times-cause-impact-actions-lessons"],
    severity="normal",
    stages=["weekly", "post_incident"],
    remedy="Complete the post-mortem (record post-mortem --new begins one); carry out what is overdue.",
)
def test_incidents_have_post_mortems(learnt: Learnt) -> None:
    """Each closed incident has a complete post-mortem: head, summary, cause, its six times in order, the
    damage, actions with owner and due date, both lessons. No action is overdue.
    """
    assert learnt.incomplete == ()
    assert learnt.overdue == ()


@pytest.mark.check(
    id="INC-08",
    runbook="security-incident-response",
    covers=[
        "security-incident.contained",
        "security-incident.eradicated",
        "security-incident.recovered-from-a-clean-backup",
        "security-incident.reviewed",
    ],
    severity="normal",
    stages=["security_incident", "post_incident"],
    remedy="Do what is missing and record it. A backup from after the compromise is not clean.",
)
def test_security_incidents_are_responded_to(secured: Secured) -> None:
    """The record of each security incident shows it contained, eradicated, recovered from a backup older
    than the compromise and verified, and reviewed.
    """
    assert secured.missed == ()
