"""docs/runbook-coverage.md: every item has a check, one planned, or a reason why none."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.coverage import NotCovered, document
from opsverify.runbook.inventory import TO_DO, Inventory

CHECKS = [{"id": "HLT-01", "covers": ("do.this",)}, {"id": "HLT-02", "covers": ("do.this",)}]


def inventory(**more: Any) -> Inventory:
    """An inventory of one item."""
    item = {
        "slug": "do.this",
        "anchor": "do",
        "kind": "checkbox",
        "title": "the thing",
        "digest": "0" * 16,
    }
    return Inventory.model_validate({"schema": 1, "sections": ("do",), "items": (item | more,)})


@pytest.mark.parametrize(
    ("more", "checks", "row"),
    [
        ({}, CHECKS, "| the thing | checkbox | `do.this` | HLT-01, HLT-02 |"),
        ({"planned": ("BAK-01",)}, CHECKS, "| HLT-01, HLT-02 (BAK-01) |"),
        ({"planned": ("BAK-02", "BAK-01")}, [], "| (BAK-01, BAK-02) |"),
        ({"none": "an action | nothing else"}, [], "| none: an action \\| nothing else |"),
    ],
)
def test_every_item_is_a_row(more: dict[str, Any], checks: list[dict[str, Any]], row: str) -> None:
    """With the checks that name it, those planned, or the reason."""
    assert row in document(inventory(**more), checks)


@pytest.mark.parametrize(
    ("more", "checks", "says"),
    [
        ({}, [], "do.this: no check names it in covers"),
        ({"title": TO_DO}, CHECKS, "do.this: its title is TODO"),
        ({"none": "an action"}, CHECKS, "has a reason why no check is about it, but HLT-01, HLT-02 is"),
        ({"planned": ("HLT-02",)}, CHECKS, "HLT-02 is there"),
        ({"planned": ("soon",)}, [], "planned 'soon' is no id of a check"),
    ],
)
def test_a_contradiction_is_named(more: dict[str, Any], checks: list[dict[str, Any]], says: str) -> None:
    """With the item and what is expected."""
    with pytest.raises(NotCovered) as refused:
        document(inventory(**more), checks)
    assert says in str(refused.value)
