"""A finding: one offender among several in an item, by a name that a waiver can except it by."""

from __future__ import annotations


class Finding(str):
    """A sentence about one offender. It compares and prints as its text.

    Args:
        text: names the offender, what was seen and what was expected.
        about: the offender's name, as a waiver's `object` has it.
    """

    about: str
    __slots__ = ("about",)

    def __new__(cls, text: str, *, about: str) -> Finding:
        """Make one."""
        finding = super().__new__(cls, text)
        finding.about = about
        return finding
