"""Quotas: how often a month each tier may search for a job."""

from __future__ import annotations

SEARCHES: dict[str, int | None] = {"FREE": 5, "PRO": 200, "ENTERPRISE": None}
"""By tier; None is without limit."""


def searches_left(tier: str, used: int) -> int | None:
    """How many searches are left this month; None when there is no limit.

    Raises:
        KeyError: there is no such tier.
    """
    limit = SEARCHES[tier]
    return None if limit is None else max(0, limit - used)
