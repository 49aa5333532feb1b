"""Waiting for a condition, bounded: the one place of this package that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STEP_SECONDS = 0.01


class NotInTime(Exception):
    """Something did not happen within its time; the text says what was awaited."""


def until(condition: Callable[[], T], *, within: float, what: str) -> T:
    """Ask until the answer is true, and return it.

    Args:
        condition: asked every hundredth of a second.
        within: seconds after which waiting ends.
        what: what is awaited, for the error: "the api answers".

    Raises:
        NotInTime: it never was.
    """
    ends = time.monotonic() + within
    while True:
        if answer := condition():
            return answer
        if time.monotonic() >= ends:
            raise NotInTime(f"{what}: not within {within:g} s")
        time.sleep(STEP_SECONDS)
