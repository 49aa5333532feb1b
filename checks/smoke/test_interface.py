from __future__ import annotations

import pytest

from opsverify.environment import Environment
from opsverify.probes.access import Tokens
from opsverify.probes.api import BadInput, Signatures, Taxonomy


@pytest.mark.check(
    id="SMK-02",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="critical",
    stages=["post_deploy", "nightly", "post_maintenance"],
    remedy="Compare the tables with the seed of the release. They are cached for an hour: after "
    "mending them, remove their keys from Redis.",
)
def test_taxonomy_is_complete(taxonomy: Taxonomy, environment: Environment) -> None:
    """Masks, epochs and stages are served, complete and well formed."""
    assert taxonomy.served == environment.taxonomy.counts
    assert taxonomy.defects == ()


@pytest.mark.check(
    id="SMK-04",
    runbook="access-control",
    covers=["post-deployment.smoke-tests-are-green", "post-maintenance.smoke-tests-are-green"],
    severity="blocker",
    stages=["post_deploy", "nightly", "post_maintenance", "security_incident"],
    remedy="Whoever holds such a token gets in: take the route off the public address, and roll back.",
)
def test_wrong_tokens_are_refused(tokens: Tokens) -> None:
    """Anonymous, expired, wrongly signed, `alg: none` tokens, those for another audience, issuer or person,
    and those signed with the previous secret where one is named, are refused on protected routes.
    """
    assert tokens.accepted == ()


@pytest.mark.check(
    id="SMK-05",
    runbook="playbook-stripe-webhooks-failing",
    covers=[
        "post-deployment.smoke-tests-are-green",
        "webhook-playbook.a-wrong-signature-is-refused",
        "post-maintenance.smoke-tests-are-green",
        "symptom.webhooks-fail",
    ],
    severity="critical",
    stages=["post_deploy", "nightly", "post_maintenance", "incident"],
    remedy="404: the route moved, or the front does not pass it on. 200: anybody can invent payments; take "
    "the route off the public address until signatures are checked.",
)
def test_wrong_signatures_are_refused(signatures: Signatures) -> None:
    """The Stripe webhook answers 401 to a missing, malformed, stale and forged signature."""
    assert signatures.not_refused == ()


@pytest.mark.check(
    id="SMK-09",
    runbook="post-deployment-checklist",
    covers=["post-deployment.smoke-tests-are-green"],
    severity="normal",
    stages=["post_deploy", "nightly", "post_maintenance"],
    remedy="Read the api's log for the traceback: input reaches code that trusts it.",
)
def test_bad_input_gets_a_client_error(bad_input: BadInput) -> None:
    """Bad input gets a client error, never a 5xx: unknown route, broken JSON, oversized body,
    malformed id.
    """
    assert bad_input.not_refused == ()
