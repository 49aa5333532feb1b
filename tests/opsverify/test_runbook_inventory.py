"""Inventories: what they have to be, that of the project, and the command that refreshes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsverify.__main__ import main
from opsverify.check import BadMarker, metadata_of
from opsverify.runbook import anchors, slugs
from opsverify.runbook.inventory import OWN, TO_DO, BadInventory, Inventory, as_text, read

RUNBOOK = "# Runbook\n\n## Do\n\n- [ ] this\n- [ ] that\n"

ITEM = """
[[items]]
slug = "do.this"
anchor = "do"
kind = "checkbox"
title = "the first thing"
digest = "0123456789abcdef"
"""


def written(folder: Path, text: str, name: str = "inventory.toml") -> Path:
    """A file."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_projects_own_is_well_formed() -> None:
    """Every item has a title of at most eight words; all anchors and slugs that checks may name are in it."""
    own = read(OWN)
    assert own.untitled == ()
    assert [item.title for item in own.items if len(item.title.split()) > 8] == []
    assert frozenset(own.sections) == anchors()
    assert {item.slug for item in own.items} == slugs()
    assert {"pre-deployment-checklist", "monitoring--alerting"} <= anchors()


def test_it_is_written_as_it_is_read(tmp_path: Path) -> None:
    """Whatever stands in a title."""
    item: dict[str, Any] = {
        "slug": "a.b",
        "anchor": "größe",
        "kind": "row",
        "title": 'quotes " and \\ and ü',
        "digest": "0" * 16,
        "planned": ("BAK-01",),
    }
    known = Inventory.model_validate({"schema": 1, "sections": ("größe",), "items": (item,)})
    assert read(written(tmp_path, as_text(known))) == known


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "schema: Field required"),
        ("schema = 2\nsections = []", "schema"),
        ("schema = 1\nsections = ", "not valid TOML"),
        (f'schema = 1\nsections = ["do"]{ITEM}{ITEM}', "do.this stands twice"),
        (f'schema = 1\nsections = ["other"]{ITEM}', "'do' is not among the sections"),
        (f'schema = 1\nsections = ["do"]{ITEM}text = "this"', "items.#1.text"),
        (f'schema = 1\nsections = ["do"]{ITEM}none = "x"\nplanned = ["BAK-01"]', "expected one of them"),
        (f'schema = 1\nsections = ["do"]{ITEM.replace("0123", "xyz")}', "items.#1.digest"),
    ],
)
def test_a_bad_one_is_named(tmp_path: Path, text: str, says: str) -> None:
    """With its file, the place and what is wrong."""
    with pytest.raises(BadInventory, match=r"^inventory\.toml: ") as refused:
        read(written(tmp_path, text))
    assert says in str(refused.value)


def test_one_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, or no text."""
    with pytest.raises(BadInventory, match="no such file"):
        read(tmp_path / "inventory.toml")
    with pytest.raises(BadInventory, match="directory"):
        read(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(BadInventory, match="byte 5 is not UTF-8"):
        read(tmp_path / "bytes.toml")


def test_a_check_names_items_that_exist() -> None:
    """A slug that the inventory does not have is refused, with the nearest."""
    keywords = {
        "id": "HLT-01",
        "runbook": "daily",
        "severity": "normal",
        "stages": ["nightly"],
        "remedy": "look",
    }
    assert metadata_of(keywords | {"covers": ["daily.error-rate"]}).covers == ("daily.error-rate",)
    says = r"covers: the runbook has no item 'daily.error-rte' \(did you mean 'daily.error-rate'\?\)"
    with pytest.raises(BadMarker, match=says):
        metadata_of(keywords | {"covers": ["daily.error-rte"]})


def test_the_command_writes_a_first_inventory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its titles are to be written."""
    runbook, inventory = written(tmp_path, RUNBOOK, "RUNBOOK.md"), tmp_path / "new.toml"
    assert main(["inventory", str(runbook), "--write", str(inventory)]) == 0
    assert "2 items in 2 sections" in capsys.readouterr().out
    assert read(inventory).untitled == ("do.checkbox-1", "do.checkbox-2")


def test_the_command_prints_drift_and_refreshes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 while there is any; afterwards titles stay, and what is new is to be named."""
    runbook, inventory = written(tmp_path, RUNBOOK, "RUNBOOK.md"), tmp_path / "new.toml"
    main(["inventory", str(runbook), "--write", str(inventory)])
    for number, title in ((1, "first"), (2, "second")):
        text = inventory.read_text().replace(TO_DO, title, 1).replace(f"do.checkbox-{number}", f"do.{title}")
        inventory.write_text(text)
    assert main(["inventory", str(runbook), "--against", str(inventory)]) == 0
    runbook.write_text(RUNBOOK.replace("that", "that within 2 h") + "- [ ] more\n")
    capsys.readouterr()
    assert main(["inventory", str(runbook), "--against", str(inventory)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "added: #do checkbox 3 (line 7)",
        "changed: #do 'second' (line 6)",
        "2 differences",
    ]
    assert main(["inventory", str(runbook), "--write", str(inventory)]) == 0
    assert f"do.checkbox-3 has the title {TO_DO}" in capsys.readouterr().out
    assert [item.title for item in read(inventory).items] == ["first", "second", TO_DO]


def test_the_command_says_what_it_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """4, with the reason: no runbook, no text, no inventory, nowhere to write."""
    runbook = written(tmp_path, RUNBOOK, "RUNBOOK.md")
    assert main(["inventory", str(tmp_path / "none.md")]) == 4
    assert main(["inventory", str(runbook), "--against", str(tmp_path / "none.toml")]) == 4
    assert main(["inventory", str(runbook), "--write", str(tmp_path / "none" / "new.toml")]) == 4
    runbook.write_bytes(b"\xff")
    assert main(["inventory", str(runbook)]) == 4
    said = capsys.readouterr().err
    for reason in ("No such file", "none.toml: no such file", "not written", "byte 0 is not UTF-8"):
        assert reason in said
