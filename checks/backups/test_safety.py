from __future__ import annotations

import pytest

from opsverify.probes.safety import Safety


@pytest.mark.check(
    id="BAK-13",
    runbook="backup-strategy",
    covers=["backups.weekly-dump-in-cold-storage"],
    severity="critical",
    stages=["weekly"],
    remedy="Refuse anonymous access, switch versioning or an object lock on, give weekly dumps a cold class.",
)
def test_store_is_safe(store_safety: Safety) -> None:
    """The store is safe: anonymous requests are refused, versions or a lock are on, weekly dumps are cold."""
    assert store_safety.exposed == ()
    assert store_safety.unversioned == ()
    assert store_safety.warm == ()
