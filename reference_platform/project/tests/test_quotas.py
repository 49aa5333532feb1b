"""Each tier has its quota."""

from __future__ import annotations

import unittest

from midst.quotas import searches_left


class Quotas(unittest.TestCase):
    """Searches of a month."""

    def test_what_was_used_is_gone(self) -> None:
        """The quota goes down to nothing and no further."""
        self.assertEqual([searches_left("FREE", used) for used in (0, 4, 5, 9)], [5, 1, 0, 0])

    def test_no_limit(self) -> None:
        """The largest tier searches as often as it likes."""
        self.assertIsNone(searches_left("ENTERPRISE", 10_000))

    def test_no_such_tier(self) -> None:
        """A tier that nobody sells is an error, not a quota of nothing."""
        with self.assertRaises(KeyError):
            searches_left("GOLD", 0)
