"""What a benchmark comes to: a figure and the limit it has to keep."""

from __future__ import annotations

from dataclasses import dataclass


class NotMeasured(Exception):
    """A run did not do what is to be measured; the text says what it did instead."""


@dataclass(frozen=True)
class Figure:
    """One measured ratio, kept when it is at most its limit."""

    name: str
    ratio: float
    limit: float

    @property
    def kept(self) -> bool:
        """Whether the figure is within its limit, as it is printed: to two decimals."""
        return round(self.ratio, 2) <= self.limit

    @property
    def line(self) -> str:
        """`BENCH NAME RATIO <= LIMIT ok|short`."""
        return f"BENCH {self.name} {self.ratio:.2f} <= {self.limit:.2f} {'ok' if self.kept else 'short'}"
