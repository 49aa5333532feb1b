"""Where a runbook's links lead: files beside it, their sections, and addresses."""

from __future__ import annotations

import os
import posixpath
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextvars import copy_context
from datetime import UTC, date
from functools import cached_property
from pathlib import Path, PurePosixPath
from queue import Empty, SimpleQueue
from urllib.parse import unquote, urljoin, urlsplit

from opsverify.evidence import one_line
from opsverify.git import Repository
from opsverify.looking import CouldNotLook, in_seconds
from opsverify.runbook.document import Document, Link
from opsverify.runbook.markdown import AT_MOST_BYTES, NotMarkdown, decoded, parse

AT_ONCE = 16
WITHIN_SECONDS = 5.0
"""For one request."""
ALL_WITHIN_SECONDS = 40.0
ADDRESSES_AT_MOST = 400
REDIRECTS_AT_MOST = 5
LIVES = frozenset({401, 403, 407, 429})
"""Answers of one who knows the page and does not show it to us."""
MARKDOWN = (".md", ".markdown", ".mdown")


class Place(ABC):
    """Where a runbook lies, with what lies beside it. Paths count from the top of its repository."""

    path: PurePosixPath
    """Of the runbook."""

    @property
    def name(self) -> str:
        """The runbook's name."""
        return self.path.name

    def document(self) -> bytes | None:
        """The runbook, or None."""
        return self.read(str(self.path))

    @abstractmethod
    def read(self, path: str) -> bytes | None:
        """A file's content, or None when there is no such file; only its beginning when it is very large."""

    def changed_on(self) -> date | None:
        """The day of the runbook's last change (UTC), where that is known without reading it."""
        return None

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of exactly that name."""


class Beside(Place):
    """A runbook in a folder; the top is that of the git repository around it, else its own folder."""

    def __init__(self, file: Path) -> None:
        file = Path(os.path.abspath(file))  # noqa: PTH100 - links to it stay as they are named
        tops = (folder for folder in file.parents if (folder / ".git").exists())
        self._top = next(tops, file.parent)
        self.path = PurePosixPath(file.relative_to(self._top).as_posix())

    def read(self, path: str) -> bytes | None:
        """See `Place`."""
        file = self._top / path
        try:
            if not file.is_file():
                return None
            with file.open("rb") as opened:
                return opened.read(AT_MOST_BYTES + 1)
        except OSError as error:
            raise CouldNotLook("runbook", f"{file.name}: {error.strerror}") from None

    def exists(self, path: str) -> bool:
        """See `Place`; also on a disk that does not tell cases apart."""
        folder = self._top
        for part in PurePosixPath(path).parts:
            try:
                if all(entry.name != part for entry in folder.iterdir()):
                    return False
            except OSError:
                return False
            folder /= part
        return True


class InGit(Place):
    """A runbook in a git repository, at its default branch."""

    def __init__(self, repository: Repository, path: PurePosixPath) -> None:
        self._repository = repository
        self.path = PurePosixPath(posixpath.normpath(path))

    @cached_property
    def _files(self) -> set[str]:
        return set(self._repository.files("HEAD"))

    def read(self, path: str) -> bytes | None:
        """See `Place`."""
        return self._repository.read("HEAD", path) if path in self._files else None

    def changed_on(self) -> date | None:
        """See `Place`."""
        changed = self._repository.last_change(str(self.path))
        return changed.astimezone(UTC).date() if changed else None

    def exists(self, path: str) -> bool:
        """See `Place`."""
        return path in self._files or any(file.startswith(f"{path}/") for file in self._files)


def dead_links(document: Document, place: Place) -> tuple[list[str], list[Link]]:
    """The links to files and sections that lead nowhere, and those to addresses, which are not asked here."""
    anchors: dict[str, frozenset[str] | None] = {str(place.path): document.anchors}
    dead, addresses = [], []
    for link in document.links:
        try:
            parts = urlsplit(link.target)
        except ValueError:
            dead.append(_dead(link, "it is no address"))
            continue
        if parts.netloc or parts.scheme:
            if parts.netloc and parts.scheme in {"http", "https", ""}:
                addresses.append(link)
            continue
        why = _why_dead(unquote(parts.path), unquote(parts.fragment), parts.query, place, anchors)
        if why is not None:
            dead.append(_dead(link, why))
    return dead, addresses


def _why_dead(
    path: str, section: str, query: str, place: Place, anchors: dict[str, frozenset[str] | None]
) -> str | None:
    if not path and not section:
        return "it is empty"
    if not path:
        target = str(place.path)
    elif path.startswith("/"):
        target = posixpath.normpath(path.lstrip("/") or ".")
    else:
        target = posixpath.normpath(posixpath.join(str(place.path.parent), path))
    if target == ".." or target.startswith("../"):
        return "it leads out of the repository"
    if target not in (".", str(place.path)) and not place.exists(target):
        return "there is no such file"
    if not section or section == "top" or "plain" in query or not target.lower().endswith(MARKDOWN):
        return None
    if target not in anchors:
        anchors[target] = _anchors(target, place)
    found = anchors[target]
    if found is None:
        return "its sections cannot be read"
    return None if section in found else "there is no such section"


def _anchors(target: str, place: Place) -> frozenset[str] | None:
    raw = place.read(target)
    try:
        return None if raw is None else parse(decoded(raw)).anchors
    except NotMarkdown:
        return None


def _dead(link: Link, why: str) -> str:
    return f"line {link.line}: {one_line(unquote(link.target)) or '(empty)'} ({why})"


def dead_online(links: Sequence[Link]) -> list[str]:
    """Those of these addresses that do not answer, or not with the page; asked side by side.

    Raises:
        CouldNotLook: there are too many, or no time for all.
    """
    urls: dict[str, list[Link]] = {}
    for link in links:
        url = link.target if urlsplit(link.target).scheme else f"https:{link.target}"
        urls.setdefault(url.partition("#")[0], []).append(link)
    if len(urls) > ADDRESSES_AT_MOST:
        raise CouldNotLook(
            "runbook",
            f"it links to more than {ADDRESSES_AT_MOST} addresses",
            remedy="Leave check_links out under [runbook].",
        )
    waiting: SimpleQueue[str] = SimpleQueue()
    answers: SimpleQueue[tuple[str, str | None]] = SimpleQueue()
    for url in urls:
        waiting.put(url)
    for _ in range(min(AT_ONCE, len(urls))):
        threading.Thread(target=copy_context().run, args=(_ask, waiting, answers), daemon=True).start()
    ends = time.monotonic() + ALL_WITHIN_SECONDS
    found: dict[str, str | None] = {}
    while len(found) < len(urls):
        try:
            url, why = answers.get(timeout=max(ends - time.monotonic(), 0.001))
        except Empty:
            raise CouldNotLook("runbook", "no time to ask all addresses that it links to") from None
        found[url] = why
    return [_dead(link, why) for url, of in urls.items() for link in of if (why := found[url]) is not None]


def _ask(waiting: SimpleQueue[str], answers: SimpleQueue[tuple[str, str | None]]) -> None:
    ends = time.monotonic() + ALL_WITHIN_SECONDS
    while time.monotonic() < ends:
        try:
            url = waiting.get_nowait()
        except Empty:
            return
        try:
            why = _why_not_there(url)
        except Exception as error:  # noqa: BLE001 - whatever an address does to a client, it is said of that link
            why = f"cannot be asked: {type(error).__name__}"
        answers.put((url, why))


def _why_not_there(url: str) -> str | None:
    """Why an address is dead: asked with HEAD, and with GET where that is refused."""
    why = _follow("HEAD", url)
    return why if why is None else _follow("GET", url)


def _follow(method: str, url: str) -> str | None:
    from opsverify.probes.http import send

    for _ in range(REDIRECTS_AT_MOST + 1):
        answered = send(method, url, within=WITHIN_SECONDS)
        if answered.status is None:
            return in_seconds(str(answered.trouble), WITHIN_SECONDS)
        if answered.status in LIVES or answered.status < 300 or answered.status == 304:
            return None
        leads_to = dict(answered.headers).get("location")
        if answered.status >= 400 or not leads_to:
            return str(answered.status)
        url = urljoin(url, leads_to)
        if urlsplit(url).scheme not in {"http", "https"}:
            return "it leads to no web page"
    return f"more than {REDIRECTS_AT_MOST} redirects"
