"""The operations runbook: its sections and items, which checks name, and how it is read.

An anchor is the slug that GitHub derives from a heading, a slug the name of an item in
inventory.toml beside this module. A check that names one missing there is a collection error, so that a
renamed section is noticed.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsverify.runbook.inventory import Inventory


@cache
def anchors() -> frozenset[str]:
    """The sections of the runbook. Read when a check first names one, not by whatever imports a severity."""
    return frozenset(_own().sections)


@cache
def slugs() -> frozenset[str]:
    """Its items."""
    return frozenset(item.slug for item in _own().items)


@cache
def _own() -> Inventory:
    from opsverify.runbook.inventory import OWN, read

    return read(OWN)
