"""The operations runbook: its sections and items, which checks name, and how it is read.

An anchor is the slug that GitHub derives from a heading, a slug the name of an item in
inventory.toml beside this module. A check that names one missing there is a collection error, so that a
renamed section is noticed.
"""

from __future__ import annotations

from opsverify.runbook.inventory import OWN, read

_INVENTORY = read(OWN)

ANCHORS: frozenset[str] = frozenset(_INVENTORY.sections)
"""The sections of the runbook."""
SLUGS: frozenset[str] = frozenset(item.slug for item in _INVENTORY.items)
"""Its items."""
