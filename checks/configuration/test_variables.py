from __future__ import annotations

import pytest

from opsverify.probes.configuration import Configured, Forms, Rotation, Shared


@pytest.mark.check(
    id="CFG-01",
    runbook="critical-environment-variables",
    covers=[
        "variables.those-of-every-service",
        "variables.those-of-the-api",
        "variables.those-of-the-orchestrator",
        "pre-deployment.variables-are-in-the-store",
    ],
    severity="blocker",
    stages=["pre_deploy", "post_deploy", "nightly"],
    remedy="Set the variable where the message says, then deploy or restart the service.",
)
def test_required_variables_are_set(configured: Configured) -> None:
    """Every required variable of each service is set, in the store it is deployed from and in what runs."""
    assert configured.missing == ()


@pytest.mark.check(
    id="CFG-02",
    runbook="critical-environment-variables",
    covers=[
        "variables.those-of-every-service",
        "variables.those-of-the-api",
        "variables.those-of-the-orchestrator",
        "pre-deployment.variables-are-in-the-store",
        "webhook-playbook.the-secret-has-its-form",
    ],
    severity="critical",
    stages=["pre_deploy", "nightly", "incident"],
    remedy="Correct the variable in the store. A weak JWT_SECRET: generate a new one and rotate it.",
)
def test_variables_have_their_form(forms: Forms) -> None:
    """Every variable of each service has the form that it needs."""
    assert forms.malformed == ()


@pytest.mark.check(
    id="CFG-03",
    runbook="troubleshooting-quick-reference",
    covers=["variables.those-of-every-service", "symptom.logins-fail"],
    severity="critical",
    stages=["pre_deploy", "post_deploy", "nightly", "incident", "security_incident"],
    remedy="Give all services the same JWT_SECRET and restart those that have another.",
)
def test_services_share_one_secret(shared_secret: Shared) -> None:
    """JWT_SECRET is the same in all services."""
    assert shared_secret.different == ()


@pytest.mark.check(
    id="CFG-04",
    runbook="secret-rotation",
    covers=["rotation.signing-secret", "rotation.database-password", "rotation.keys-of-providers"],
    severity="critical",
    stages=["post_deploy", "nightly"],
    remedy="Restart the service, so that it takes the values of the store; then revoke the old ones.",
)
def test_running_services_have_the_stored_values(rotation: Rotation) -> None:
    """No secret changed after the processes that use it started."""
    assert rotation.changed == ()
