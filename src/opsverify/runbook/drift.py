"""What a runbook says otherwise than its inventory, and the inventory after that was seen to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from opsverify.runbook.document import IN_ORDER, Document, Item, Kind
from opsverify.runbook.inventory import TO_DO, Inventory, KnownItem


@dataclass(frozen=True)
class Drift:
    """The differences, a phrase each: with the anchor, and the title where there is one."""

    added: tuple[str, ...]
    """Items that the inventory does not have."""
    removed: tuple[str, ...]
    """Items that the runbook does not have any more."""
    changed: tuple[str, ...]
    """Items with other words or figures than they had."""
    moved: tuple[str, ...]
    """Items in another section, and steps in another order."""
    sections: tuple[str, ...]
    """Sections that are new, gone, or have another heading."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """All of them."""
        named = {
            "section": self.sections,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "moved": self.moved,
        }
        return tuple(f"{what}: {phrase}" for what, phrases in named.items() for phrase in phrases)


def compare(inventory: Inventory, document: Document) -> Drift:
    """Find what a runbook says otherwise. The order of rows, checkboxes and bullets does not matter."""
    return _Comparison(inventory, document).drift()


def refreshed(inventory: Inventory, document: Document) -> Inventory:
    """The inventory of a runbook as it is now.

    Slugs, titles and reasons of the items that are found again stay, of changed ones too; an item that
    nobody has named yet has the title TODO.
    """
    known = _Comparison(inventory, document).known
    taken = {item.slug for item in known.values()}
    items = []
    for number, item in enumerate(document.items):
        before = known.get(number)
        about = before.model_dump() if before else {"slug": _free_slug(item, taken), "title": TO_DO}
        about |= {"anchor": item.anchor, "kind": item.kind, "digest": item.digest}
        items.append(KnownItem.model_validate(about))
    return Inventory.model_validate(
        {"schema": 1, "sections": document.sections, "items": tuple(items)},
    )


class _Comparison:
    """Finds each item of the inventory again: by its words, else by its place."""

    def __init__(self, inventory: Inventory, document: Document) -> None:
        self._inventory = inventory
        self._document = document
        self._renamed = _renamed(inventory, document)
        self.known: dict[int, KnownItem] = {}
        """Item of the inventory by number of the document's."""
        self._changed: list[int] = []
        self._moved: list[int] = []
        self._find()

    def drift(self) -> Drift:
        """The differences."""
        there = {item.slug for item in self.known.values()}
        items = self._document.items
        moved = [
            f"{_named(self.known[number])} is now in #{items[number].anchor} (line {items[number].line})"
            for number in self._moved
        ]
        return Drift(
            added=tuple(
                f"#{item.anchor} {item.kind} {item.ordinal} (line {item.line})"
                for number, item in enumerate(items)
                if number not in self.known
            ),
            removed=tuple(_named(item) for item in self._inventory.items if item.slug not in there),
            changed=tuple(
                f"{_named(self.known[number])} (line {items[number].line})" for number in self._changed
            ),
            moved=(*moved, *self._out_of_order()),
            sections=tuple(self._sections()),
        )

    def _find(self) -> None:
        new = dict(enumerate(self._document.items))
        old = list(self._inventory.items)
        for same in (_same_place_and_words, _same_words):
            by_key: dict[object, list[int]] = defaultdict(list)
            for number, item in new.items():
                by_key[same(item.anchor, item.kind, item.digest)].append(number)
            left = []
            for known in old:
                numbers = by_key[same(self._anchor(known), known.kind, known.digest)]
                if not numbers:
                    left.append(known)
                    continue
                number = numbers.pop(0)
                self.known[number] = known
                del new[number]
                if same is _same_words:
                    self._moved.append(number)
            old = left
        self._find_changed(old, new)

    def _find_changed(self, old: list[KnownItem], new: dict[int, Item]) -> None:
        """Pair what is left in a section: by its place from the beginning or the end, then in order."""
        groups: dict[tuple[str, Kind], tuple[list[KnownItem], list[int]]] = defaultdict(lambda: ([], []))
        for known in old:
            groups[self._anchor(known), known.kind][0].append(known)
        for number, item in new.items():
            groups[item.anchor, item.kind][1].append(number)
        for (anchor, kind), (knowns, numbers) in groups.items():
            before = [one for one in self._inventory.items if (self._anchor(one), one.kind) == (anchor, kind)]
            now = [
                number
                for number, one in enumerate(self._document.items)
                if (one.anchor, one.kind) == (anchor, kind)
            ]
            for shorter in (0, len(now) - len(before)):  # from the beginning, from the end
                for known in list(knowns):
                    place = before.index(known) + shorter
                    if 0 <= place < len(now) and now[place] in numbers:
                        self._change(known, now[place], knowns, numbers)
            if len(knowns) == len(numbers):
                for known, number in zip(list(knowns), list(numbers), strict=True):
                    self._change(known, number, knowns, numbers)
        self._changed.sort()

    def _change(self, known: KnownItem, number: int, knowns: list[KnownItem], numbers: list[int]) -> None:
        self.known[number] = known
        self._changed.append(number)
        knowns.remove(known)
        numbers.remove(number)

    def _out_of_order(self) -> Iterator[str]:
        place = {item.slug: number for number, item in enumerate(self._inventory.items)}
        orders: dict[tuple[str, Kind], list[int]] = defaultdict(list)
        for number, item in enumerate(self._document.items):
            if item.kind in IN_ORDER and number in self.known and number not in self._moved:
                orders[item.anchor, item.kind].append(place[self.known[number].slug])
        for (anchor, kind), places in orders.items():
            if places != sorted(places):
                yield f"#{anchor} has its {kind}s in another order"

    def _anchor(self, known: KnownItem) -> str:
        return self._renamed.get(known.anchor, known.anchor)

    def _sections(self) -> Iterator[str]:
        before, now = self._inventory.sections, self._document.sections
        for anchor in before:
            if anchor in self._renamed:
                yield f"#{anchor} is now #{self._renamed[anchor]}"
            elif anchor not in now:
                yield f"#{anchor} is gone"
        for anchor in now:
            if anchor not in before and anchor not in self._renamed.values():
                yield f"#{anchor} is new"


def _same_place_and_words(anchor: str, kind: Kind, digest: str) -> object:
    return anchor, kind, digest


def _same_words(anchor: str, kind: Kind, digest: str) -> object:
    return kind, digest


def _renamed(inventory: Inventory, document: Document) -> dict[str, str]:
    """The new anchor of each section that has another heading: the one that holds most of its items, else
    the one that stands where it stood.
    """
    gone = [anchor for anchor in inventory.sections if anchor not in document.sections]
    new = [anchor for anchor in document.sections if anchor not in inventory.sections]
    renamed: dict[str, str] = {}
    holds: dict[str, Counter[str]] = defaultdict(Counter)
    for item in document.items:
        holds[item.anchor][item.digest] += 1
    for anchor in gone:
        digests = Counter(item.digest for item in inventory.items if item.anchor == anchor)
        shared = {other: (holds[other] & digests).total() for other in new}
        best = max(shared, key=lambda other: shared[other], default=None)
        if best is None or shared[best] * 2 < digests.total() or not shared[best]:
            best = _stands_where(anchor, inventory.sections, document.sections, new)
        if best is not None:
            renamed[anchor] = best
            new.remove(best)
    return renamed


def _stands_where(anchor: str, before: tuple[str, ...], now: tuple[str, ...], new: list[str]) -> str | None:
    """The new section that has one and the same neighbour on each side."""
    place = before.index(anchor)
    neighbours = [*before[:place][-1:], *before[place + 1 :][:1]]
    for other in new:
        there = now.index(other)
        if [*now[:there][-1:], *now[there + 1 :][:1]] == neighbours:
            return other
    return None


def _named(item: KnownItem) -> str:
    return f"#{item.anchor} {item.title!r}"


def _free_slug(item: Item, taken: set[str]) -> str:
    """A slug to be replaced by a better one."""
    section = re.sub(r"[^a-z0-9]+", "-", item.anchor).strip("-") or "head"
    slug = f"{section}.{item.kind}-{item.ordinal}"
    while slug in taken:
        slug += "-new"
    taken.add(slug)
    return slug
