"""Reads a runbook in GitHub's Markdown."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from html import unescape
from typing import TYPE_CHECKING

from opsverify.runbook.blocks import items_of
from opsverify.runbook.document import Document, Item, Kind, Link, Slugs, slug_of

if TYPE_CHECKING:
    from markdown_it.token import Token

IMPORTS = ("markdown_it",)

AT_MOST_BYTES = 4 * 1024 * 1024
"""A runbook that people read has a hundredth of it."""
LINE_AT_MOST = 20_000
"""Characters of a line that are read as Markdown; what is longer ends in the digest of the rest. Parsers need
more than twice the time for a line of twice the length."""

_TICK = re.compile(r"\[[ xX\t]\](?:\s+|$)")
_FIGURE = re.compile(r"(?<![\w./#-])\d")
_UPDATED = re.compile(
    r"(?:updated|reviewed|changed|revised)\b[^\w\n]{0,8}(\d{4}-\d{2}-\d{2})\b", re.IGNORECASE
)
_BARE_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\\]+", re.IGNORECASE)
_TAG = r"<{tags}\b[^<>]*?\s(?:{attributes})\s*=\s*(?:\"([^\"<>]+)\"|'([^'<>]+)')"
_MADE_BY_HAND = re.compile(_TAG.format(tags="[a-z][a-z0-9]*", attributes="id|name"), re.IGNORECASE)
_HTML_LINK = re.compile(_TAG.format(tags="(?:a|img)", attributes="href|src"), re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:[^\n]*\n){0,100}?---[ \t]*\n")


class NotMarkdown(Exception):
    """A document cannot be read as a runbook; the text says why."""


def decoded(raw: bytes) -> str:
    """The text of a document.

    Raises:
        NotMarkdown: it is too large, or no UTF-8.
    """
    if len(raw) > AT_MOST_BYTES:
        raise NotMarkdown(f"it passes {AT_MOST_BYTES // 1024 // 1024} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotMarkdown(f"its byte {error.start} is not UTF-8") from None


def parse(text: str) -> Document:
    """Read a document. There is no text that is no Markdown."""
    from markdown_it import MarkdownIt

    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    text = "\n".join(_bounded(line) for line in lines)
    front = _FRONT_MATTER.match(text)
    if front is not None:  # its lines stay, empty, so that those below keep their numbers
        text = "\n" * front.group().count("\n") + text[front.end() :]
    reader = _Reader()
    if front is not None:
        reader.head.append(front.group())
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        reader.take(token)
    return reader.document()


def _bounded(line: str) -> str:
    if len(line) <= LINE_AT_MOST:
        return line
    rest = hashlib.sha256(line[LINE_AT_MOST:].encode("utf-8", errors="surrogatepass")).hexdigest()
    return f"{line[:LINE_AT_MOST]} {rest}"


@dataclass
class _Open:
    """A list item that has not ended yet."""

    place: int
    kind: Kind
    line: int
    texts: list[str] = field(default_factory=list)
    navigates: bool = False
    """It is nothing but a link to a section, as in a table of contents."""


class _Reader:
    """Takes the tokens of a document one by one."""

    def __init__(self) -> None:
        self.head: list[str] = []
        self._anchor = ""
        self._sections: list[str] = []
        self._by_hand: set[str] = set()
        self._links: list[Link] = []
        self._found: list[tuple[str, Kind, str, int] | None] = []
        self._open: list[_Open] = []
        self._lists: list[Kind] = []
        self._header: list[str] = []
        self._cells: list[str] = []
        self._inside: set[str] = set()
        self._line = 0
        self._slugs = Slugs()

    def document(self) -> Document:
        """What was read."""
        return Document(
            tuple(self._sections),
            frozenset({*self._sections, *self._by_hand}),
            tuple(self._numbered()),
            tuple(self._links),
            _day("\n".join(self.head)),
        )

    def take(self, token: Token) -> None:
        """Note what the next token says."""
        if token.map is not None:
            self._line = token.map[0] + 1
        what, _, end = token.type.rpartition("_")
        if end == "open":
            self._inside.add(what)
            self._begin(what)
        elif end == "close":
            self._end(what)
            self._inside.discard(what)
        elif token.type == "inline":
            self._words(token.children or [])
        elif token.type in {"fence", "code_block"}:
            language = (token.info.split() or [""])[0]
            first = self._line + (token.type == "fence")
            self._found += [
                (self._anchor, kind, text, first + line)
                for kind, text, line in items_of(language, token.content)
            ]
        elif token.type == "html_block":
            self._html(token.content)

    def _begin(self, what: str) -> None:
        if what in {"bullet_list", "ordered_list"}:
            self._lists.append("bullet" if what == "bullet_list" else "step")
        elif what == "list_item":
            self._open.append(_Open(len(self._found), self._lists[-1], self._line))
            self._found.append(None)  # its place, before the items inside it
        elif what == "tr":
            self._cells = []

    def _end(self, what: str) -> None:
        if what in {"bullet_list", "ordered_list"}:
            self._lists.pop()
        elif what == "list_item":
            self._end_item(self._open.pop())
        elif what == "tr" and "thead" in self._inside:
            self._header = self._cells
        elif what == "tr" and any(cell.strip() for cell in self._cells):
            named = zip(self._header, self._cells, strict=False)
            text = " | ".join(f"{name}: {cell}" for name, cell in named)
            self._found.append((self._anchor, "row", text, self._line))

    def _end_item(self, ended: _Open) -> None:
        text = "\n".join(ended.texts)
        ticked = _TICK.match(text)
        if ticked:
            self._found[ended.place] = self._anchor, "checkbox", text[ticked.end() :], ended.line
        elif text.strip() and not ended.navigates:
            self._found[ended.place] = self._anchor, ended.kind, text, ended.line

    def _words(self, children: list[Token]) -> None:
        self._note_links(children)
        text = _plain(children)
        if "heading" in self._inside:
            self._anchor = self._slugs.next(slug_of(_plain(children, targets=False)))
            self._sections.append(self._anchor)
        elif self._inside & {"th", "td"}:
            self._cells.append(text)
        elif self._open:
            item = self._open[-1]
            item.navigates = not item.texts and _only_navigates(children)
            item.texts.append(text)
        elif len(self._sections) > 1 and _FIGURE.search(_plain(children, targets=False)):
            self._found.append((self._anchor, "figure", text, self._line))
        if len(self._sections) < 2:
            self.head.append(text)

    def _note_links(self, children: list[Token]) -> None:
        linked = 0
        for child in children:
            if child.type == "link_open":
                linked += 1
                self._links.append(Link(str(child.attrGet("href") or ""), self._line))
            elif child.type == "link_close":
                linked -= 1
            elif child.type == "image":
                self._links.append(Link(str(child.attrGet("src") or ""), self._line))
            elif child.type == "html_inline":
                self._html(child.content)
            elif child.type == "text" and not linked:
                self._links += [Link(address, self._line) for address in _bare_addresses(child.content)]

    def _html(self, html: str) -> None:
        html = _COMMENT.sub("", html)
        self._by_hand |= {unescape(one or other) for one, other in _MADE_BY_HAND.findall(html)}
        self._links += [Link(unescape(one or other), self._line) for one, other in _HTML_LINK.findall(html)]

    def _numbered(self) -> Iterator[Item]:
        times: Counter[tuple[str, Kind]] = Counter()
        for found in self._found:
            if found is not None:
                anchor, kind, text, line = found
                times[anchor, kind] += 1
                yield Item(anchor, kind, times[anchor, kind], text, line)


def _plain(children: Iterable[Token], *, targets: bool = True) -> str:
    """The words of a line without their emphasis; with `targets`, where its links lead is part of them."""
    words: list[str] = []
    leads: list[str] = []
    for child in children:
        if child.type in {"text", "code_inline", "text_special"}:
            words.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            words.append("\n")
        elif child.type == "link_open":
            leads.append(str(child.attrGet("href") or ""))
        elif child.type == "link_close" and targets:
            words.append(f" <{leads.pop()}>")
        elif child.type == "image" and targets:
            words.append(f"{child.content} <{child.attrGet('src')}>")
        elif child.type == "html_inline" and not child.content.startswith("<!--"):
            words.append(" ")
    return "".join(words)


def _only_navigates(children: list[Token]) -> bool:
    said = [child for child in children if child.type != "text" or child.content.strip()]
    return (
        len(said) >= 2
        and said[0].type == "link_open"
        and str(said[0].attrGet("href")).startswith("#")
        and said[-1].type == "link_close"
        and sum(child.type == "link_open" for child in said) == 1
    )


def _bare_addresses(text: str) -> list[str]:
    """Addresses that are links on GitHub without being written as one; without the sentence's own signs."""
    found = []
    for address in _BARE_ADDRESS.findall(text):
        kept = address.rstrip(".,;:!?*_~")
        while kept.endswith(")") and kept.count(")") > kept.count("("):
            kept = kept[:-1].rstrip(".,;:!?*_~")
        found.append(kept)
    return found


def _day(head: str) -> date | None:
    named = _UPDATED.search(head)
    try:
        return date.fromisoformat(named.group(1)) if named else None
    except ValueError:
        return None
