from __future__ import annotations

import pytest

from opsverify.probes.engineer import Rights
from opsverify.probes.onboarding import Attested


@pytest.mark.check(
    id="ONB-01",
    runbook="new-on-call-engineer-checklist",
    covers=["onboarding.can-reach-production", "access.who-may-do-what-in-production"],
    severity="critical",
    stages=["onboarding"],
    remedy="Grant the engineer's role or token what is missing; revoke what goes beyond reading.",
)
def test_engineer_has_the_rights_needed(rights: Rights) -> None:
    """The engineer can reach production with the rights needed, and no more."""
    assert rights.missing == ()
    assert rights.beyond == ()


@pytest.mark.check(
    id="ONB-03",
    runbook="new-on-call-engineer-checklist",
    covers=[
        "severity.first",
        "severity.second",
        "severity.third",
        "severity.fourth",
        "onboarding.is-in-the-incident-channel",
        "onboarding.has-read-this-document",
        "onboarding.knows-whom-to-call",
        "onboarding.knows-the-severities",
    ],
    severity="normal",
    stages=["onboarding"],
    remedy="Do what is missing with the engineer, then record it: record attestation, with --engineer.",
)
def test_engineer_is_prepared(engineer_attested: Attested) -> None:
    """Membership in the incident channel, reading of the runbook, contacts and severities are on record for
    the engineer.
    """
    assert engineer_attested.missing == ()
