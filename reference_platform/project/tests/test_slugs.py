"""A slug can stand in an address."""

from __future__ import annotations

import unittest

from midst.slugs import LONGEST, slug_of


class Slugs(unittest.TestCase):
    """Names of all kinds."""

    def test_accents_go(self) -> None:
        """Letters keep their base."""
        self.assertEqual(slug_of("Zoë Krüger"), "zoe-kruger")

    def test_what_is_no_letter_parts_words(self) -> None:
        """However many there are in a row."""
        self.assertEqual(slug_of("  O'Neill -- jr. "), "o-neill-jr")

    def test_nothing_left(self) -> None:
        """A name without a letter that can stand in an address has no slug."""
        self.assertEqual(slug_of("…"), "")

    def test_it_is_not_too_long(self) -> None:
        """And does not end where it was cut between two words."""
        found = slug_of("a" * (LONGEST - 1) + " b")
        self.assertEqual(found, "a" * (LONGEST - 1))
