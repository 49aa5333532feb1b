"""The code blocks of a runbook, as the commands they consist of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opsverify.runbook.document import Kind

SHELLS = frozenset({"", "bash", "console", "sh", "shell", "sql", "zsh"})
"""Languages of blocks that hold commands; any other block is one item."""

_TICKED = re.compile(r"^(\s*[-*+]\s+)\[[xX]\]", re.MULTILINE)
_NUMBERED = re.compile(r"\s*(?:#|--|//)\s*\d+[.)]\s")
_HEADS = re.compile(r"(?:#|--|//)\s*\S|echo\b")


def items_of(language: str, code: str) -> Iterator[tuple[Kind, str, int]]:
    """The items of a block: kind, text, and the line in the block, from 0.

    Numbered comments head a command each; without them a comment or an `echo` after an empty line does.
    """
    lines = code.split("\n")
    if language.lower() not in SHELLS:
        if code.strip():
            yield "block", _TICKED.sub(r"\1[ ]", code), 0
        return
    numbered = [number for number, line in enumerate(lines) if _NUMBERED.match(line)]
    heads = numbered or [
        number
        for number, line in enumerate(lines)
        if _HEADS.match(line) and (number == 0 or not lines[number - 1].strip())
    ]
    starts = sorted({0, *heads})
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        text = "\n".join(lines[start:end])
        if text.strip():
            yield "command", text, start
