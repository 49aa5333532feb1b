"""What the runbook says otherwise than its inventory, and which of its links lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import inf
from pathlib import Path, PurePosixPath

from opsverify.environment import Environment, Runbook
from opsverify.evidence import Evidence, one_line
from opsverify.git import repository
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.runbook import inventory
from opsverify.runbook.document import Document
from opsverify.runbook.drift import compare
from opsverify.runbook.links import Beside, InGit, Place, dead_links, dead_online
from opsverify.runbook.markdown import NotMarkdown, decoded, parse

IMPORTS = ("markdown_it", "httpx")

NOUN = "runbook"


@dataclass(frozen=True, kw_only=True)
class Contents(Snapshot):
    """The runbook against its inventory, by the digest of each item."""

    differences: tuple[str, ...]
    """`changed: #limits 'connections in use' (line 22)`, `section: #back is now #the-way-back`."""
    days_old: float
    """Since its last change; endless when that is unknown or yet to come; 0 where no limit is stated."""
    at_most_days_old: float
    """Endless where none is stated."""


@dataclass(frozen=True, kw_only=True)
class Links(Snapshot):
    """The runbook's links."""

    dead: tuple[str, ...]
    """`line 14: migrations.md#order (there is no such section)`."""


def contents(environment: Environment, runbook: Runbook) -> Contents:
    """Compare the runbook with its inventory.

    Raises:
        CouldNotLook: one of them cannot be read, or an item of the inventory has no title yet.
    """
    known = _inventory(environment, runbook)
    place = _place(environment, runbook)
    document = _document(place)
    drift = compare(known, document)
    limit = runbook.at_most_days_old
    updated = document.updated or place.changed_on()
    source = "by its head" if document.updated else "by its last commit, the head names none"
    age = (
        f"day of its last change: {updated} ({source})"
        if updated
        else "the day of its last change is unknown"
    )
    days = days_old(updated, datetime.now(UTC).date())
    if limit is None:
        age += "; its age is not judged: [runbook] has no at_most_days_old"
    counted = f"{len(document.items)} items in {len(document.sections)} sections, {len(known.items)} known"
    return Contents(
        where=_where(runbook),
        differences=drift.phrases,
        days_old=0 if limit is None else days,
        at_most_days_old=inf if limit is None else limit,
        evidence=(Evidence("items and age", "\n".join((counted, age, *drift.phrases))),),
    )


def links(environment: Environment, runbook: Runbook) -> Links:
    """Follow the runbook's links: to files and sections, and to addresses where the environment allows it.

    Raises:
        CouldNotLook: the runbook cannot be read, or there are too many addresses to ask.
    """
    place = _place(environment, runbook)
    document = _document(place)
    dead, addresses = dead_links(document, place)
    if runbook.check_links:
        dead += dead_online(addresses)
    asked = "asked" if runbook.check_links else "not asked: [runbook] check_links is not true"
    shown = [
        f"line {link.line}: {one_line(link.target)}{f' ({asked})' if link in addresses else ''}"
        for link in document.links
    ]
    return Links(
        where=_where(runbook),
        dead=tuple(dead),
        evidence=(Evidence("links", "\n".join(shown)),),
    )


def days_old(updated: date | None, today: date) -> float:
    """Days since the day that a runbook names; endless when it names none, or one that is yet to come.

    The runner's day can be one behind that of who wrote it.
    """
    if updated is None or (days := (today - updated).days) < -1:
        return inf
    return max(days, 0)


def _where(runbook: Runbook) -> str:
    return runbook.git if runbook.git is not None else (runbook.file or Path()).name


def _inventory(environment: Environment, runbook: Runbook) -> inventory.Inventory:
    file = inventory.OWN if runbook.inventory is None else environment.beside(runbook.inventory)
    try:
        known = inventory.read(file)
    except inventory.BadInventory as error:
        raise CouldNotLook(NOUN, f"its inventory cannot be used: {one_line(str(error))}") from None
    if known.untitled:
        raise CouldNotLook(
            NOUN,
            f"its inventory has items without a title: {', '.join(known.untitled)}",
            remedy=f"Give them a title of your own words in place of {inventory.TO_DO}.",
        )
    return known


def _place(environment: Environment, runbook: Runbook) -> Place:
    if runbook.git is not None:
        return InGit(repository(environment), PurePosixPath(runbook.git))
    if runbook.file is None:  # the subject says so before a probe is asked
        raise CouldNotLook(NOUN, "the environment names neither file nor git")
    return Beside(environment.beside(runbook.file))


def _document(place: Place) -> Document:
    raw = place.document()
    if raw is None:
        raise CouldNotLook(
            NOUN, f"there is no file {place.name}", remedy="Correct file or git under [runbook]."
        )
    try:
        return parse(decoded(raw))
    except NotMarkdown as error:
        raise CouldNotLook(NOUN, f"{place.name} is no runbook: {error}") from None
