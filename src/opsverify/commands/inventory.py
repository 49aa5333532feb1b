"""`python -m opsverify inventory`: what a runbook says otherwise than its inventory."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from opsverify.runbook import inventory
from opsverify.runbook.drift import compare, refreshed
from opsverify.runbook.markdown import NotMarkdown, decoded, parse

DRIFT = 1
"""Exit code when the two differ."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    one = commands.add_parser("inventory", help="compare a runbook with its inventory, or refresh that")
    one.add_argument("runbook", type=Path, metavar="FILE", help="the runbook, in Markdown")
    one.add_argument(
        "--against",
        type=Path,
        metavar="INVENTORY",
        help="the inventory; the one to be written, or that of the project",
    )
    one.add_argument(
        "--write",
        type=Path,
        metavar="INVENTORY",
        help="write the inventory of the runbook as it is now: slugs, titles and reasons stay, "
        f"an item that is new has the title {inventory.TO_DO}",
    )


def run(asked: argparse.Namespace) -> int:
    """Say what differs. 0: nothing, or it was written; 1: something; 4: one of the two cannot be used."""
    try:
        document = parse(decoded(asked.runbook.read_bytes()))
        known = inventory.read(_against(asked)) if _against(asked).exists() or not asked.write else None
    except OSError as error:
        print(f"{asked.runbook}: {error.strerror}", file=sys.stderr)
        return 4
    except (NotMarkdown, inventory.BadInventory) as error:
        print(f"{asked.runbook}: {error}" if isinstance(error, NotMarkdown) else error, file=sys.stderr)
        return 4
    known = known or inventory.Inventory.model_validate({"schema": 1, "sections": ()})
    phrases = compare(known, document).phrases
    for phrase in phrases:
        print(phrase)
    if asked.write is None:
        print(f"{len(phrases)} differences" if phrases else f"no difference ({len(document.items)} items)")
        return DRIFT if phrases else 0
    return _write(asked.write, refreshed(known, document))


def _against(asked: argparse.Namespace) -> Path:
    named: Path = asked.against or asked.write or inventory.OWN
    return named


def _write(file: Path, new: inventory.Inventory) -> int:
    try:
        file.write_text(inventory.as_text(new), encoding="utf-8")
    except OSError as error:
        print(f"{file}: not written: {error.strerror}", file=sys.stderr)
        return 4
    print(f"{file}: written, {len(new.items)} items in {len(new.sections)} sections")
    for slug in new.untitled:
        print(f"{file}: {slug} has the title {inventory.TO_DO}: replace it, and the slug, by your own words")
    return 0
