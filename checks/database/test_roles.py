from __future__ import annotations

import pytest

from opsverify.probes.database.roles import RolesSeen


@pytest.mark.check(
    id="DB-09",
    runbook="access-control",
    covers=["access.roles-of-the-database"],
    severity="critical",
    stages=["nightly", "security_incident"],
    remedy="Find out who made the change; take the right back, or declare it in the environment file.",
)
def test_roles_are_those_expected(database_roles: RolesSeen) -> None:
    """Superusers, login roles, memberships and owners are those that the environment expects."""
    assert database_roles.different == ()
