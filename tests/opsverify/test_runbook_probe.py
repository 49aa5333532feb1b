"""The runbook as its environment declares it: a file, or a document of the git repository."""

from __future__ import annotations

import subprocess
from datetime import date
from math import inf
from pathlib import Path

import pytest

from opsverify.environment import Environment
from opsverify.loading import BadEnvironment
from opsverify.looking import CouldNotLook
from opsverify.probes.runbook import contents, days_old, links
from opsverify.runbook.drift import refreshed
from opsverify.runbook.inventory import Inventory, as_text
from opsverify.runbook.markdown import parse
from tests.opsverify.stub import Told, environment, serving

RUNBOOK = "# Runbook\n\nLast updated: 2026-01-05\n\n## Do\n\n- [ ] this\n\n[other](other.md#there)\n"


def inventory_of(text: str) -> str:
    """An inventory of a text, all items titled."""
    new = refreshed(Inventory.model_validate({"schema": 1, "sections": ()}), parse(text))
    items = tuple(item.model_copy(update={"title": "a thing"}) for item in new.items)
    return as_text(new.model_copy(update={"items": items}))


def declared(folder: Path, more: str = "", *, runbook: bytes | None = RUNBOOK.encode()) -> Environment:
    """An environment with a runbook, its inventory, and a document beside it."""
    if runbook is not None:
        (folder / "RUNBOOK.md").write_bytes(runbook)
    (folder / "other.md").write_text("# Other\n\n## There\n")
    (folder / "inventory.toml").write_text(inventory_of(RUNBOOK))
    table = f'[runbook]\nfile = "RUNBOOK.md"\ninventory = "inventory.toml"\n{more}'
    return environment(folder, {}, table)


def test_a_runbook_as_it_should_be(tmp_path: Path) -> None:
    """Nothing differs, every link leads somewhere; that its age is not judged without a limit is said."""
    one = declared(tmp_path)
    seen = contents(one, one.runbook)
    assert seen.differences == ()
    assert (seen.days_old, seen.at_most_days_old) == (0, inf)
    assert "its age is not judged" in seen.evidence[0].text
    assert links(one, one.runbook).dead == ()


def test_age_is_judged_where_a_limit_is(tmp_path: Path) -> None:
    """It is days since the day in its head."""
    one = declared(tmp_path, "at_most_days_old = 30")
    seen = contents(one, one.runbook)
    assert seen.days_old > 30
    assert seen.at_most_days_old == 30


@pytest.mark.parametrize(
    ("updated", "days"),
    [
        (date(2026, 3, 1), 0),
        (date(2026, 2, 28), 1),
        (date(2025, 3, 1), 365),
        (date(2026, 3, 2), 0),
        (date(2026, 3, 3), inf),
        (None, inf),
    ],
)
def test_days_old(updated: date | None, days: float) -> None:
    """A day that is yet to come says nothing; tomorrow is today somewhere."""
    assert days_old(updated, date(2026, 3, 1)) == days


def test_what_differs_is_seen(tmp_path: Path) -> None:
    """By section and title."""
    one = declared(tmp_path, runbook=RUNBOOK.replace("this", "that").encode() + b"\n- [ ] more\n")
    seen = contents(one, one.runbook)
    assert seen.differences == ("added: #do checkbox 2 (line 11)", "changed: #do 'a thing' (line 7)")


@pytest.mark.parametrize(
    ("runbook", "why"),
    [
        (None, "there is no file RUNBOOK.md"),
        (b"# \xff", "RUNBOOK.md is no runbook: its byte 2 is not UTF-8"),
        (b"a" * (4 * 1024 * 1024 + 1), "RUNBOOK.md is no runbook: it passes 4 MiB"),
    ],
)
def test_a_runbook_that_cannot_be_read(tmp_path: Path, runbook: bytes | None, why: str) -> None:
    """Neither good nor bad is known."""
    one = declared(tmp_path, runbook=runbook)
    for probe in (contents, links):
        with pytest.raises(CouldNotLook) as could_not:
            probe(one, one.runbook)
        assert could_not.value.why == why


def test_an_inventory_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing, broken, or with items that nobody has named."""
    one = declared(tmp_path)
    file = tmp_path / "inventory.toml"
    file.write_text(file.read_text().replace("a thing", "TODO"))
    with pytest.raises(CouldNotLook, match=r"items without a title: do\.checkbox-1"):
        contents(one, one.runbook)
    file.write_text("schema = 1")
    with pytest.raises(CouldNotLook, match=r"its inventory cannot be used: inventory\.toml: sections"):
        contents(one, one.runbook)
    file.unlink()
    with pytest.raises(CouldNotLook, match="no such file"):
        contents(one, one.runbook)


def test_an_empty_inventory(tmp_path: Path) -> None:
    """Everything is then new."""
    one = declared(tmp_path)
    (tmp_path / "inventory.toml").write_text("schema = 1\nsections = []\n")
    seen = contents(one, one.runbook)
    assert seen.differences == (
        "section: #runbook is new",
        "section: #do is new",
        "added: #do checkbox 1 (line 7)",
    )


def test_addresses_are_asked_where_that_is_allowed(tmp_path: Path) -> None:
    """Not otherwise, and the evidence says so."""
    with serving(lambda _: Told(404)) as url:
        text = f"{RUNBOOK}\n[x]({url}/none)\n".encode()
        without = declared(tmp_path, runbook=text)
        seen = links(without, without.runbook)
        assert seen.dead == ()
        assert "not asked" in seen.evidence[0].text
        allowed = declared(tmp_path, "check_links = true", runbook=text)
        assert links(allowed, allowed.runbook).dead == (f"line 11: {url}/none (404)",)


def test_a_runbook_in_git(tmp_path: Path) -> None:
    """It is read as it is committed, with what lies beside it there; one without a date is as old as its
    last commit, where the history says when that was.
    """
    repository = tmp_path / "repository"
    (repository / "docs").mkdir(parents=True)
    (repository / "docs" / "RUNBOOK.md").write_text(RUNBOOK)
    (repository / "docs" / "other.md").write_text("# Other\n")
    (repository / "docs" / "undated.md").write_text("# Undated\n")
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@midst.example"]
    subprocess.run(["git", "init", "--quiet", "--template=", str(repository)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "x"], check=True)
    (repository / "docs" / "RUNBOOK.md").write_text("# Changed, and not committed\n")
    (tmp_path / "inventory.toml").write_text(inventory_of(RUNBOOK))
    table = '[git]\nrepository = "repository"\n[runbook]\ngit = "{}"\ninventory = "inventory.toml"\n'
    one = environment(tmp_path, {}, table.format("docs/RUNBOOK.md"))
    assert contents(one, one.runbook).differences == ()
    assert links(one, one.runbook).dead == ("line 9: other.md#there (there is no such section)",)
    aged = environment(tmp_path, {}, table.format("docs/undated.md") + "at_most_days_old = 3\n")
    assert contents(aged, aged.runbook).days_old <= 1
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", repository.as_uri(), tmp_path / "cut"], check=True
    )
    cut = table.replace('"repository"', '"cut"').format("docs/undated.md") + "at_most_days_old = 3\n"
    shallow = environment(tmp_path, {}, cut)
    assert contents(shallow, shallow.runbook).days_old == inf
    other = environment(tmp_path, {}, table.format("docs/none.md"))
    with pytest.raises(CouldNotLook, match=r"there is no file none\.md"):
        contents(other, other.runbook)


def test_only_a_runbook_that_can_be_read_is_declared(tmp_path: Path) -> None:
    """An address for links alone is none to look at; two places contradict each other."""
    assert not environment(tmp_path, {}, '[runbook]\nurl = "https://midst.example"').declares("runbook")
    assert environment(tmp_path, {}, '[runbook]\nfile = "x.md"').declares("runbook")
    assert environment(tmp_path, {}, '[runbook]\ngit = "x.md"').declares("runbook")
    with pytest.raises(BadEnvironment, match="at most one of file, git"):
        environment(tmp_path, {}, '[runbook]\ngit = "x.md"\nfile = "x.md"')
    with pytest.raises(BadEnvironment, match=r"runbook\.flie: unknown key \(did you mean 'file'\?\)"):
        environment(tmp_path, {}, '[runbook]\nflie = "x.md"')
