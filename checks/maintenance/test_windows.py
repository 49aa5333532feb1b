from __future__ import annotations

import pytest

from opsverify.probes.maintenance import Readied, Windows


@pytest.mark.check(
    id="MNT-01",
    runbook="maintenance-windows",
    covers=[
        "windows.small-ones",
        "windows.large-ones",
        "windows.emergencies",
        "pre-maintenance.window-is-set-and-announced",
    ],
    severity="critical",
    stages=["pre_maintenance", "pre_deploy"],
    remedy="Move, shorten or announce the window by its type; what cannot wait is an emergency: say why.",
)
def test_window_is_as_its_type_demands(maintenance_windows: Windows) -> None:
    """The window is at its type's day and time, of its length and notice, or an emergency with a reason."""
    assert maintenance_windows.findings == ()


@pytest.mark.check(
    id="MNT-03",
    runbook="pre-maintenance-checklist",
    covers=["pre-maintenance.a-way-back-is-on-record", "pre-maintenance.on-call-is-named"],
    severity="critical",
    stages=["pre_maintenance"],
    remedy="Write the rollback procedure, confirm the on-call engineer, and record both for this window.",
)
def test_window_is_prepared(readied: Readied) -> None:
    """Rollback procedure and on-call engineer are on record for the next window."""
    assert readied.missing == ()
