"""Parts of the platform beyond its core, brought up when asked for by `--with`."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reference_platform import pgbouncer, s3

if TYPE_CHECKING:
    from reference_platform.state import Platform


@dataclass(frozen=True)
class Part:
    """Something that a platform can have and need not."""

    name: str
    noun: str | None
    """What the environment file calls it: a gap without it is declared when it is not brought up. None: it
    adds to a noun that is there without it."""
    lacking: Callable[[], str | None]
    """The line that installs what it needs, or None when all is here."""
    up: Callable[[Platform], None]
    """Start it. Its processes are remembered by the platform's entry, and end with it."""
    declare: Callable[[Platform, dict[str, object]], None]
    """Put its tables into the environment file."""


def _nothing(*_: object) -> None:
    """A browser is started by whoever looks with it; the environment file declares these parts already."""


def _browser_lacking() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: python3 run.py exec python -m pip install playwright"
    from opsverify.environment import BROWSERS  # half a second that only this question is worth

    if not any(map(shutil.which, BROWSERS)):
        return "there is no Chromium: apt-get install chromium, or what your system has in its place"
    return None


PARTS: dict[str, Part] = {
    one.name: one
    for one in (
        Part("browser", "browser", _browser_lacking, _nothing, _nothing),
        Part("pgbouncer", "pgbouncer", pgbouncer.lacking, pgbouncer.up, _nothing),
        Part("s3", None, s3.lacking, s3.up, s3.declare),
    )
}
"""Every part there is, by name."""

WHERE_FOUND = ("browser", "pgbouncer")
"""Parts that `--env=local` brings where they are to be had."""


def found() -> tuple[str, ...]:
    """The parts that `--env=local` brings on this machine."""
    return tuple(name for name in WHERE_FOUND if PARTS[name].lacking() is None)


class UnknownPart(Exception):
    """A part is asked for that there is not; the text names those there are."""


def known(names: list[str]) -> tuple[str, ...]:
    """The parts asked for, each once.

    Args:
        names: as on the command line, each one name or several with commas.

    Raises:
        UnknownPart: there is none of that name.
    """
    asked = [name.strip() for some in names for name in some.split(",") if name.strip()]
    for name in asked:
        if name not in PARTS:
            near = get_close_matches(name, PARTS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "there are: " + (", ".join(PARTS) or "none yet")
            raise UnknownPart(f"unknown part {name!r} ({hint})")
    return tuple(dict.fromkeys(asked))
