"""Where a runbook's links lead: to files, to sections of files, and to addresses where that is allowed."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from opsverify.looking import CouldNotLook
from opsverify.runbook import links as module
from opsverify.runbook.document import Link
from opsverify.runbook.links import Beside, dead_links, dead_online
from opsverify.runbook.markdown import decoded, parse
from tests.opsverify.stub import Asked, Told, serving


def dead(folder: Path, text: str, name: str = "docs/RUNBOOK.md") -> list[str]:
    """The links of a runbook that lead to no file and no section."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    place = Beside(file)
    raw = place.document()
    assert raw is not None
    return dead_links(parse(decoded(raw)), place)[0]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder that looks like a git repository, with some documents."""
    for name, text in {
        "README.md": "# Read me\n\n## Über uns\n",
        "docs/other.md": "# Other\n\n## Twice\n\n## Twice\n\n## Mask & Epoch\n\n```md\n## Not one\n```\n",
        "docs/with space.md": "# Spaces\n",
        "docs/größe.md": "# Größe\n",
        "docs/data.json": "{}",
        "docs/broken.md": "# x\n",
        "src/app/main.py": "",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "docs/broken.md").write_bytes(b"# \xff")
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "target",
    [
        "other.md",
        "./other.md",
        "../docs/other.md",
        "../README.md",
        "/README.md",
        "/docs/other.md#other",
        "other.md#twice-1",
        "other.md#mask--epoch",
        "../README.md#über-uns",
        "../README.md#%C3%BCber-uns",
        "<with space.md>",
        "with%20space.md#spaces",
        "größe.md#größe",
        "gr%C3%B6%C3%9Fe.md",
        "data.json#/a/b",
        "other.md?plain=1#L3",
        "other.md?raw=true",
        "../src/app",
        "../src/app/",
        "..",
        "#here",
        "#top",
        "RUNBOOK.md#here",
        "mailto:ops@midst.example",
        "tel:110",
        "https://midst.example/nowhere",
        "//midst.example/nowhere",
    ],
)
def test_links_that_lead_somewhere(repository: Path, target: str) -> None:
    """To a file, a folder, a section; what is elsewhere is not judged here."""
    assert dead(repository, f"# Runbook\n\n## Here\n\n[x]({target})\n") == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("none.md", "none.md (there is no such file)"),
        ("Other.md", "Other.md (there is no such file)"),
        ("../Docs/other.md", "../Docs/other.md (there is no such file)"),
        ("other.md#none", "other.md#none (there is no such section)"),
        ("other.md#Twice", "other.md#Twice (there is no such section)"),
        ("other.md#twice-2", "other.md#twice-2 (there is no such section)"),
        ("other.md#not-one", "other.md#not-one (there is no such section)"),
        ("#none", "#none (there is no such section)"),
        ("<with  space.md>", "with space.md (there is no such file)"),
        ("<>", "(empty) (it is empty)"),
        ("../../etc/passwd", "../../etc/passwd (it leads out of the repository)"),
        ("/../x.md", "/../x.md (it leads out of the repository)"),
        ("broken.md#x", "broken.md#x (its sections cannot be read)"),
        ("none%20at%20all.md", "none at all.md (there is no such file)"),
    ],
)
def test_links_that_lead_nowhere(repository: Path, target: str, said: str) -> None:
    """Each is named with its line and the reason; names are told apart by case."""
    assert dead(repository, f"# Runbook\n\n## Here\n\n[x]({target})\n") == [f"line 5: {said}"]


def test_what_is_no_address(repository: Path) -> None:
    """HTML is taken as it is written."""
    assert dead(repository, '# R\n\n<a href="http://[x">x</a>\n') == ["line 3: http://[x (it is no address)"]
    assert online("http://127.0.0.1:port/") == [
        "line 1: http://127.0.0.1:port/ (cannot be asked: InvalidURL)"
    ]


def test_only_links_are_followed(repository: Path) -> None:
    """Code, comments and words in brackets are none."""
    text = "# R\n\n```sh\n[a](none.md)\n```\n\n`[a](none.md)` <!-- [a](none.md) --> [a] none.md\n"
    assert dead(repository, text) == []


def test_without_a_repository_the_folder_is_the_top(tmp_path: Path) -> None:
    """A link that leads out of it cannot be judged as one inside."""
    (tmp_path / "beside.md").write_text("# Beside\n")
    text = "# R\n\n[a](../beside.md) [b](/RUNBOOK.md)\n"
    assert dead(tmp_path, text) == ["line 3: ../beside.md (it leads out of the repository)"]


def online(*targets: str) -> list[str]:
    """Those of these addresses that are dead."""
    return dead_online([Link(target, number) for number, target in enumerate(targets, 1)])


def test_addresses_are_asked() -> None:
    """HEAD first, GET where that is refused; redirects are followed; who refuses us knows the page."""
    asked: list[tuple[str, str]] = []

    def answer(request: Asked) -> Told:
        asked.append((request.method, request.path))
        if request.path == "/get" and request.method == "HEAD":
            return Told(405)
        if request.path == "/moved":
            return Told(301, headers={"location": "/there"})
        if request.path == "/lost":
            return Told(302, headers={"location": "/gone"})
        if request.path == "/round":
            return Told(302, headers={"location": "/round"})
        if request.path == "/file":
            return Told(302, headers={"location": "file:///etc/passwd"})
        return Told({"/gone": 410, "/private": 401, "/none": 404, "/ill": 500}.get(request.path, 200))

    with serving(answer) as url:
        paths = ("there#a", "there#b", "get", "private", "moved", "none", "lost", "round", "ill", "file")
        found = online(*(f"{url}/{path}" for path in paths))
    assert found == [
        f"line 6: {url}/none (404)",
        f"line 7: {url}/lost (410)",
        f"line 8: {url}/round (more than 5 redirects)",
        f"line 9: {url}/ill (500)",
        f"line 10: {url}/file (it leads to no web page)",
    ]
    assert asked.count(("HEAD", "/there")) == 2  # once for both links, once by the redirect
    assert ("GET", "/get") in asked
    assert ("GET", "/there") not in asked


def test_nobody_there() -> None:
    """An address that refuses the connection is dead."""
    with serving(lambda _: Told()) as url:
        pass
    assert online(f"{url}/x") == [f"line 1: {url}/x (connection refused)"]


def test_addresses_are_asked_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten that hang cost as much as one, and each is dead."""
    monkeypatch.setattr(module, "WITHIN_SECONDS", 0.3)
    never = threading.Event()
    with serving(lambda _: Told(wait_for=never)) as url:
        began = time.monotonic()
        found = online(*(f"{url}/{number}" for number in range(10)))
        took = time.monotonic() - began
        never.set()
    assert len(found) == 10
    assert found[0] == f"line 1: {url}/0 (no answer in 0.3 s)"
    assert took < 10 * 2 * 0.3


def test_there_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many addresses, or no time for all: could not look."""
    with pytest.raises(CouldNotLook, match="more than 400 addresses"):
        online(*(f"http://127.0.0.1:1/{number}" for number in range(401)))
    monkeypatch.setattr(module, "ALL_WITHIN_SECONDS", 0.2)
    never = threading.Event()
    with serving(lambda _: Told(wait_for=never)) as url:
        with pytest.raises(CouldNotLook, match="no time to ask all addresses"):
            online(f"{url}/x")
        never.set()


def test_no_addresses() -> None:
    """Nothing to ask is nothing dead."""
    assert online() == []


def test_a_link_to_a_folder_of_the_disk_is_no_file(tmp_path: Path) -> None:
    """A runbook that is a folder, or a pipe, is not read."""
    assert Beside(tmp_path).document() is None
    subprocess.run(["mkfifo", tmp_path / "pipe.md"], check=True)
    assert Beside(tmp_path / "pipe.md").document() is None
