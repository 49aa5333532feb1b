"""What a run was asked for: its options, as far as probes need to know them."""

from __future__ import annotations

from dataclasses import dataclass

from opsverify.check import Stage


@dataclass(frozen=True)
class Asked:
    """The options of a run that narrow what it looks at."""

    stage: Stage | None = None
    """None: plain pytest, every stage's checks."""
    release: str | None = None
    """None: the newest on record."""
    incident: str | None = None
    """None: all of the last days."""
    engineer: str | None = None
