"""Faults that the checks of the runbook must see: its file in the repository's working copy is another."""

from __future__ import annotations

from functools import partial

from reference_platform.faults.model import Fault, Verb
from reference_platform.repository import PROJECT
from reference_platform.state import Platform

RUNBOOK = "docs/RUNBOOK.md"
DRIFT = frozenset({"MNT-07[runbook]"})
DEAD = frozenset({"MNT-08[runbook]"})


def edit(file: str, words: str, old: str, new: str) -> Verb:
    """A document says something else than was released.

    Args:
        file: its path in the repository.
        words: what is then the case: "has one more checkbox".
        old: what it says once.
        new: what it says in its place.
    """

    def do(platform: Platform) -> None:
        released = (PROJECT / file).read_text(encoding="utf-8")
        if released.count(old) != 1:
            raise ValueError(f"{file} does not say {old!r} once")
        (platform.repository / file).write_text(released.replace(old, new), encoding="utf-8")

    return Verb(f"{file} {words}", do, partial(_restore, file=file))


def take_away(file: str) -> Verb:
    """A document is gone."""

    def do(platform: Platform) -> None:
        (platform.repository / file).unlink(missing_ok=True)

    return Verb(f"{file} is gone", do, partial(_restore, file=file))


def _restore(platform: Platform, file: str) -> None:
    (platform.repository / file).write_bytes((PROJECT / file).read_bytes())


FAULTS = (
    Fault(
        "MNT-07",
        "checkbox added",
        edit(RUNBOOK, "has one more checkbox", "- [ ] Whoever", "- [ ] Nobody sleeps\n- [ ] Whoever"),
        DRIFT,
    ),
    Fault(
        "MNT-07",
        "threshold changed",
        edit(RUNBOOK, "allows 95 %", "| 90 % |", "| 95 % |"),
        DRIFT,
    ),
    Fault(
        "MNT-07",
        "section renamed",
        edit(RUNBOOK, "has a section with another heading", "## Whom to call", "## Phone numbers"),
        DRIFT | DEAD,  # its own table of contents still leads to the old heading
    ),
    Fault("MNT-08", "dead link", take_away("docs/people.md"), DEAD),
    Fault(
        "MNT-08",
        "dead anchor",
        edit("docs/migrations.md", "has a section with another heading", "## Going back", "## Undoing"),
        DEAD,
    ),
)
