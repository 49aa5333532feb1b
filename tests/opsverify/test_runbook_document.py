"""A runbook is read as its sections, items and links, whatever its form."""

from __future__ import annotations

import time
from datetime import date
from textwrap import dedent

import pytest

from opsverify.runbook.document import Document, digest_of, slug_of
from opsverify.runbook.markdown import AT_MOST_BYTES, LINE_AT_MOST, NotMarkdown, decoded, parse


def read(text: str) -> Document:
    """A document, from an indented text."""
    return parse(dedent(text))


def said(document: Document) -> list[tuple[str, str, str]]:
    """Section, kind and words of each item."""
    return [(item.anchor, item.kind, " ".join(item.text.split())) for item in document.items]


def test_items_of_every_kind() -> None:
    """Checkboxes, rows, steps, bullets, commands, blocks and sentences with a figure, each in its section."""
    document = read("""\
        # Head
        ## Do
        - [ ] tick **this**
        1. **First** - do `this`
        - a plain one
        Some words first.

        The answer comes within 2 s.
        ### Table
        | Seen | Limit |
        | --- | --- |
        | Disk | 90 % |
        ### Play
        ```bash
        # 1. Look
        ls
        # 2. Act
        rm x
        ```
        ```yaml
        limit: 3
        ```
        """)
    assert said(document) == [
        ("do", "checkbox", "tick this"),
        ("do", "step", "First - do this"),
        ("do", "bullet", "a plain one Some words first."),
        ("do", "figure", "The answer comes within 2 s."),
        ("table", "row", "Seen: Disk | Limit: 90 %"),
        ("play", "command", "# 1. Look ls"),
        ("play", "command", "# 2. Act rm x"),
        ("play", "block", "limit: 3"),
    ]


def test_a_table_of_contents_is_no_list_of_items() -> None:
    """An entry that is nothing but a link to a section says nothing of its own."""
    document = read("""\
        # Head
        1. [Do](#do)
        2. [Do](#do) before noon
        ## Do
        """)
    assert said(document) == [("head", "step", "Do <#do> before noon")]


def test_commands_without_numbers() -> None:
    """A comment or an echo after an empty line heads a command; other lines go with what is above."""
    document = read("""\
        # Head
        ```sh
        # One
        a
        # still one

        still one

        # Two
        b

        echo "three"
        ```
        """)
    assert [item.text.split("\n")[0] for item in document.items] == ["# One", "# Two", 'echo "three"']
    assert [item.line for item in document.items] == [3, 9, 12]


def test_list_items_hold_blocks_and_items() -> None:
    """A fence or a list inside an item is an item of its own, after the one that it stands in."""
    document = read("""\
        # Head
        - [ ] outer
          ```sh
          inside
          ```
          - [x] inner

          more of outer
        """)
    assert said(document) == [
        ("head", "checkbox", "outer more of outer"),
        ("head", "command", "inside"),
        ("head", "checkbox", "inner"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        "- [x] Restart *the* __api__ within `2 min`",
        "*   [ ]   Restart the api\twithin 2 min",
        "- [ ] Restart the api\n      within 2 min",
        "- [X] Restart the <!-- really? --> api within 2 min",
        "+ [\t] Restart the api within 2 min",
    ],
)
def test_spaces_emphasis_and_ticks_do_not_count(other: str) -> None:
    """The digest is that of the words."""
    one = parse("# Head\n\n- [ ] Restart the api within 2 min\n")
    assert [item.digest for item in parse(f"# Head\n\n{other}\n").items] == [one.items[0].digest]


@pytest.mark.parametrize(
    "other",
    [
        "- [ ] Restart the api within 3 min",
        "- [ ] Restart the API within 2 min",
        "- [ ] ~~Restart the api within 2 min~~",
        "- [ ] Restart the [api](x.md) within 2 min",
    ],
)
def test_other_words_figures_and_links_count(other: str) -> None:
    """Whatever changes what is said changes the digest."""
    one = parse("# Head\n\n- [ ] Restart the api within 2 min\n")
    assert [item.digest for item in parse(f"# Head\n\n{other}\n").items] != [one.items[0].digest]


def test_a_row_includes_its_columns() -> None:
    """The same figure under another heading says something else."""
    rows = [
        parse(f"# H\n\n| A | {name} |\n|---|:--|\n| x | 2 |\n").items[0].digest
        for name in ("B", "**B**", "C")
    ]
    assert rows[0] == rows[1] != rows[2]


def test_line_ends_tabs_and_mark_do_not_count() -> None:
    """A copy saved by another editor is the same runbook."""
    text = "# Head\n\n- [ ] a\n- [ ] b\n\n```sh\n# 1. x\n  y\n```\n\n| A | B |\n|---|---|\n| c | d |\n"
    one = parse(text)
    two = parse(decoded(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").replace("  y", "\ty").encode()))
    old_mac = parse(text.replace("\n", "\r"))
    assert [item.digest for item in one.items] == [item.digest for item in two.items]
    assert one.items == old_mac.items
    assert one.sections == two.sections == ("head",)


def test_a_tick_in_a_template_does_not_count() -> None:
    """A block of Markdown holds checkboxes of its own."""
    one, two = (parse(f"# H\n\n```markdown\n- [{tick}] [Action]\n```\n").items for tick in " x")
    assert [(item.kind, item.digest) for item in one] == [(item.kind, item.digest) for item in two]


def test_comments_and_code_are_not_read() -> None:
    """What a reader does not see is no item; headings and links in code are none."""
    document = read("""\
        # Head
        <!--
        - [ ] hidden
        ## Hidden
        [hidden](hidden.md)
        -->
        ~~~text
        ## no heading
        [no](link.md)
        ~~~
            # indented code [no](link.md)

        `[no](link.md)` and \\[no](link.md)
        """)
    assert document.sections == ("head",)
    assert document.links == ()
    assert {item.kind for item in document.items} == {"block", "command"}


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Monitoring & Alerting", "monitoring--alerting"),
        ("Point-in-Time Recovery (PITR)", "point-in-time-recovery-pitr"),
        ("`down` is **now** _up_", "down-is-now-up"),
        ("Größe – Über 90 %", "größe--über-90-"),
        ("snake_case stays", "snake_case-stays"),
        ("A [link](x.md) in it", "a-link-in-it"),
        ("日本語 2", "日本語-2"),
        ("💾 Backups", "-backups"),
        ("Trailing ##", "trailing"),
    ],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    """Letters and digits of any script, `-` and `_` stay; each space becomes a dash; emphasis goes."""
    assert parse(f"## {heading}\n").sections == (anchor,)


def test_headings_of_the_same_text() -> None:
    """They are numbered, and a number never meets an anchor that is there."""
    document = parse("# A\n## A\n## A-1\n## A\nB\n=\nB\n-\n")
    assert document.sections == ("a", "a-1", "a-1-1", "a-2", "b", "b-1")


def test_anchors_made_by_hand() -> None:
    """HTML can name a place, also inside a line."""
    document = parse('# A\n\n<a name="old"></a>\n\nwords <span id="place">x</span>\n\n<!-- <a id="no"> -->\n')
    assert document.anchors == {"a", "old", "place"}


def test_links_in_every_form() -> None:
    """Inline, by reference, as an image, as HTML, in angle brackets, and bare, with the line of each."""
    document = read("""\
        # Head
        [a](one.md#x "title") ![b](two.png) <https://three.example/x>
        [four][ref] and https://five.example/(x), (https://six.example).
        <img src="seven.png">

        [ref]: four.md
        """)
    assert [link.target for link in document.links] == [
        "one.md#x",
        "two.png",
        "https://three.example/x",
        "four.md",
        "https://five.example/(x)",
        "https://six.example",
        "seven.png",
    ]


@pytest.mark.parametrize(
    ("head", "day"),
    [
        ("**Last Updated**: 2026-01-19", date(2026, 1, 19)),
        ("Last updated 2026-01-19.", date(2026, 1, 19)),
        ("| Reviewed | 2026-01-19 |", date(2026, 1, 19)),
        ("Last updated: 19 January", None),
        ("Last updated: 2026-13-40", None),
        ("Made on 2026-01-19", None),
    ],
)
def test_day_of_the_last_change(head: str, day: date | None) -> None:
    """It stands in the head: before the second heading, or in front matter."""
    assert parse(f"# Runbook\n\n{head}\n\n## More\n\nUpdated: 2020-01-01\n").updated == day
    assert parse(f"---\n{head.strip('*|')}\n---\n# Runbook\n").updated == day


def test_front_matter_is_no_heading() -> None:
    """Lines keep their numbers behind it."""
    document = parse("---\ntitle: x\n---\n# Head\n\n- [ ] a\n")
    assert document.sections == ("head",)
    assert document.items[0].line == 6


@pytest.mark.parametrize(
    "line",
    ["a " * 500_000, "[" * 1_000_000, "*a " * 400_000, "|" * 1_000_000, "> " * 300_000, "- [ ] " * 200_000],
    ids=["plain", "brackets", "stars", "pipes", "quotes", "checkboxes"],
)
def test_a_line_of_a_megabyte(line: str) -> None:
    """It is read in time, and what is far out in it still counts."""
    began = time.monotonic()
    document = parse(f"# Head\n\n{line}\n\n- [ ] a\n")
    assert time.monotonic() - began < 5
    assert document.items[-1].text == "a"


def test_the_end_of_a_long_line_counts() -> None:
    """Its digest stands for it."""
    one, two = (parse(f"# H\n\n- {'a ' * LINE_AT_MOST}{end}\n").items[0].digest for end in ("1", "2"))
    assert one != two


@pytest.mark.parametrize(
    "text", ["", "\n\n", "no heading\n- [ ] a", "\0", "- ", "|a|\n|-|", "[", "- [ ]", "```"]
)
def test_every_text_can_be_read(text: str) -> None:
    """There is none that is no Markdown; an item before the first heading has no section."""
    assert {item.anchor for item in parse(text).items} <= {""}


def test_what_is_no_text_is_said() -> None:
    """Bytes that are no UTF-8 are named by their place; a file too large is not read."""
    with pytest.raises(NotMarkdown, match="its byte 6 is not UTF-8"):
        decoded(b"# Gr\xc3\xb6\xfc")
    with pytest.raises(NotMarkdown, match="4 MiB"):
        decoded(b"a" * (AT_MOST_BYTES + 1))


def test_digests_say_nothing_of_how_letters_are_composed() -> None:
    """An umlaut is one letter, or a letter and two dots."""
    assert digest_of("Über  uns") == digest_of("U\u0308ber\nuns")
    assert slug_of("Über uns") == "über-uns"
