"""What a fault is: a way to make the platform sick, and the checks that must see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reference_platform.state import Platform

Deed = Callable[[Platform], None]


@dataclass(frozen=True)
class Verb:
    """A way to make a platform sick, and well again.

    Both deeds return when their effect can be seen. `undo` works from any process, also when
    `do` was cut off or never happened.
    """

    words: str
    """What is then the case: "the api is stopped"."""
    do: Deed
    undo: Deed
    blinds: frozenset[str] = frozenset()
    """Nouns that cannot be reached then: a check on one could not look, unless it is named as failed."""


@dataclass(frozen=True)
class Fault:
    """A row's sick twin: one verb, and which checks it turns red."""

    check: str
    """Id of the check whose twin it is."""
    name: str
    verb: Verb
    failed: frozenset[str]
    """Names of the checks that are then *failed*, of any stage."""
    parts: frozenset[str] = frozenset()
    """Parts that the platform must have for it."""
    blind: frozenset[str] = frozenset()
    """Names of checks that could not look then, beside those on nouns that cannot be reached, which are
    computed."""

    @property
    def key(self) -> str:
        """What it is called: `HLT-01:stopped`."""
        return f"{self.check}:{self.name}"

    @contextmanager
    def applied(self, platform: Platform) -> Iterator[None]:
        """The platform is sick inside the block, and well again after it."""
        from reference_platform.faults.applying import break_, mend

        try:
            break_(platform, self)
            yield
        finally:
            mend(platform, self)


def only(*names: str) -> frozenset[str]:
    """These checks."""
    return frozenset(names)


def only_on(noun: str, *ids: str) -> frozenset[str]:
    """These checks on a noun."""
    return frozenset(f"{one}[{noun}]" for one in ids)
