"""What a copy of a runbook says otherwise is named, with its section and our title, and nothing else is."""

from __future__ import annotations

import pytest

from opsverify.runbook.document import Document
from opsverify.runbook.drift import compare, refreshed
from opsverify.runbook.inventory import TO_DO, Inventory, KnownItem
from opsverify.runbook.markdown import parse

RUNBOOK = """\
# Small runbook

- [Before](#before)

## Before

- [ ] Tests are green
- [ ] Backup is younger than 2 h
- [ ] On-call knows

## Limits

| Seen | Limit |
| ---- | ----- |
| Disk | 90 %  |
| Heap | 80 %  |
| Jobs | 1000  |

## Going back

1. **Stop** it
2. **Start** the old one
3. **Look** at it

### By hand

```sh
# 1. Stop it
kill 1
# 2. Start it
run --limit 3
```

## Later

Nothing yet.
"""


def inventory_of(text: str) -> Inventory:
    """An inventory of a text, with titles of our own."""
    first = refreshed(Inventory.model_validate({"schema": 1, "sections": ()}), parse(text))
    named = [
        item.model_copy(update={"title": f"thing {number}", "slug": f"a.thing-{number}"})
        for number, item in enumerate(first.items, 1)
    ]
    return first.model_copy(update={"items": tuple(named)})


KNOWN = inventory_of(RUNBOOK)


def differences(text: str) -> list[str]:
    """What a text says otherwise than the runbook."""
    return list(compare(KNOWN, parse(text)).phrases)


def changed(old: str, new: str) -> str:
    """The runbook with something else in a place."""
    assert RUNBOOK.count(old) == 1
    return RUNBOOK.replace(old, new)


@pytest.mark.parametrize(
    "same",
    [
        RUNBOOK,
        RUNBOOK.replace("- [ ]", "- [x]"),
        RUNBOOK.replace("\n", "\r\n"),
        "\ufeff" + RUNBOOK,
        RUNBOOK.replace("**", "__"),
        RUNBOOK.replace("**", ""),
        RUNBOOK.replace("- [ ]", "*\t[ ]"),
        RUNBOOK.replace("| Disk | 90 %  |\n| Heap | 80 %  |\n", "|Heap|**80** %|\n|Disk|90 %|\n"),
        RUNBOOK.replace("- [ ] Tests are green\n", "").replace("knows\n", "knows\n- [ ] Tests are green\n"),
        RUNBOOK.replace("Nothing yet.", "Nothing yet, and more of it.<!-- 3 -->"),
        RUNBOOK.replace("# 2. Start", "\n\n# 2. Start"),
    ],
    ids=[
        "itself",
        "ticked",
        "crlf",
        "byte order mark",
        "other emphasis",
        "no emphasis",
        "tabs",
        "rows in another order",
        "checkboxes in another order",
        "prose",
        "empty lines in code",
    ],
)
def test_nothing_that_matters(same: str) -> None:
    """What says the same is no drift."""
    assert differences(same) == []


@pytest.mark.parametrize(
    ("copy", "phrases"),
    [
        (
            changed("- [ ] On-call", "- [ ] Nobody sleeps\n- [ ] On-call"),
            ["added: #before checkbox 3 (line 9)"],
        ),
        (changed("- [ ] On-call knows\n", ""), ["removed: #before 'thing 3'"]),
        (changed("than 2 h", "than 3 h"), ["changed: #before 'thing 2' (line 8)"]),
        (changed("| 90 %  |", "| 95 %  |"), ["changed: #limits 'thing 4' (line 15)"]),
        (changed("run --limit 3", "run --limit 4"), ["changed: #by-hand 'thing 11' (line 30)"]),
        (changed("Nothing yet.", "Nothing before 9."), ["added: #later figure 1 (line 36)"]),
        (
            changed("| Disk | 90 %  |\n", "| Load | 4 |\n| Disk | 90 %  |\n").replace("1000", "2000"),
            ["added: #limits row 1 (line 15)", "changed: #limits 'thing 6' (line 18)"],
        ),
        (
            changed("| Seen | Limit |", "| Seen | Wish |"),
            [f"changed: #limits 'thing {number}' (line {number + 11})" for number in (4, 5, 6)],
        ),
        (changed("## Going back", "## The way back"), ["section: #going-back is now #the-way-back"]),
        (changed("## Later", "## Some day"), ["section: #later is now #some-day"]),
        (
            changed("## Limits", "## Bounds").replace("80 %", "85 %"),
            ["section: #limits is now #bounds", "changed: #limits 'thing 5' (line 16)"],
        ),
        (changed("## Later", "## New\n\n## Later"), ["section: #new is new"]),
        (changed("## Later\n\nNothing yet.\n", ""), ["section: #later is gone"]),
        (
            changed("- [ ] On-call knows\n", "") + "\n- [ ] On-call knows\n",
            ["moved: #before 'thing 3' is now in #later (line 37)"],
        ),
        (
            changed(
                "1. **Stop** it\n2. **Start** the old one\n",
                "1. **Start** the old one\n2. **Stop** it\n",
            ),
            ["moved: #going-back has its steps in another order"],
        ),
        (
            changed("- [ ] On-call knows\n", "- [ ] On-call knows\n- [ ] On-call knows\n"),
            ["added: #before checkbox 4 (line 10)"],
        ),
    ],
    ids=[
        "checkbox added",
        "checkbox removed",
        "figure in a checkbox",
        "threshold",
        "figure in code",
        "figure in prose",
        "row added above one that changed",
        "column renamed",
        "section renamed",
        "empty section renamed",
        "section renamed and changed",
        "section added",
        "section removed",
        "moved",
        "steps swapped",
        "the same twice",
    ],
)
def test_what_matters_is_named(copy: str, phrases: list[str]) -> None:
    """Each difference once, by its anchor and our title."""
    assert differences(copy) == phrases


def test_sections_of_the_same_heading() -> None:
    """They are told apart by their number."""
    text = RUNBOOK + "\n## Before\n\n- [ ] Again\n"
    known = inventory_of(text)
    assert known.sections[-1] == "before-1"
    assert compare(known, parse(text.replace("Again", "Now"))).changed == ("#before-1 'thing 12' (line 40)",)


def test_a_section_that_goes_elsewhere_as_a_whole() -> None:
    """The order of sections does not matter."""
    before, limits = RUNBOOK.index("## Before"), RUNBOOK.index("## Limits")
    text = RUNBOOK[:before] + RUNBOOK[limits:] + "\n" + RUNBOOK[before:limits]
    assert differences(text) == []


def test_an_empty_document_and_an_empty_inventory() -> None:
    """All is gone, or all is new."""
    drift = compare(KNOWN, parse(""))
    assert len(drift.removed) == len(KNOWN.items)
    assert len(drift.sections) == len(KNOWN.sections)
    new = compare(Inventory.model_validate({"schema": 1, "sections": ()}), parse(RUNBOOK))
    assert len(new.added) == len(KNOWN.items)
    assert (new.removed, new.changed, new.moved) == ((), (), ())


def _refresh(text: str) -> tuple[Inventory, Document]:
    document = parse(text)
    return refreshed(KNOWN, document), document


def test_refreshing_keeps_what_people_wrote() -> None:
    """Titles, slugs, reasons and plans stay, also of an item that changed; a new one is to be named."""
    new, document = _refresh(
        changed("than 2 h", "than 3 h").replace("- [ ] On-call", "- [ ] New\n- [ ] On-call")
    )
    assert compare(new, document).phrases == ()
    assert [item.title for item in new.items] == ["thing 1", "thing 2", TO_DO, *_titles(KNOWN)[2:]]
    assert new.untitled == ("before.checkbox-3",)


def test_refreshing_never_gives_one_slug_twice() -> None:
    """A slug made for a new item may be taken by another that was not renamed."""
    taken = KNOWN.items[0].model_copy(update={"slug": "before.checkbox-4"})
    known = KNOWN.model_copy(update={"items": (taken, *KNOWN.items[1:])})
    new = refreshed(known, parse(changed("- [ ] On-call knows\n", "- [ ] On-call knows\n- [ ] New\n")))
    assert new.items[3].slug == "before.checkbox-4-new"


def test_refreshing_what_did_not_change_changes_nothing() -> None:
    """The inventory of the same runbook is the same inventory."""
    assert refreshed(KNOWN, parse(RUNBOOK)) == KNOWN


def _titles(inventory: Inventory) -> list[str]:
    return [item.title for item in inventory.items]


def test_no_sentence_of_the_runbook_is_kept() -> None:
    """An inventory has digests; words of the runbook are in it as anchors only."""
    kept = set(KnownItem.model_fields)
    assert kept == {"slug", "anchor", "kind", "title", "digest", "none", "planned"}
    assert "green" not in KNOWN.model_dump_json()
