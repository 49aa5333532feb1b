"""The environment that a command is about, or just its folder of records."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from opsverify.environment import Environment
from opsverify.loading import find, load
from opsverify.looking import CouldNotLook
from opsverify.records import Book, book
from opsverify.records.sources import Folder

EXAMPLES = Path(__file__).parents[3] / "environments"
"""Where environments are found by name: those of the clone."""


@dataclass(frozen=True)
class Named:
    """What was named: an environment, a folder of records, or both."""

    environment: Environment | None
    path: Path | None

    def book(self) -> Book:
        """The records.

        Raises:
            CouldNotLook: nothing is named, or they cannot be read.
        """
        if self.environment is not None and self.path is None:
            return book(self.environment)
        table = self.environment.records if self.environment else None
        allowed = self.environment.path(table.allowed_signers) if self.environment and table else None
        rules, target = (table.rules if table else ()), (self.environment.name if self.environment else None)
        return Book(Folder(self.folder(), allowed), rules, target)

    def folder(self) -> Path:
        """The folder that records are written to.

        Raises:
            CouldNotLook: none is named, or they are in a repository elsewhere.
        """
        if self.path is not None:
            return self.path
        table = self.environment.records if self.environment else None
        if self.environment is None or table is None:
            remedy = "Name it with --folder=DIR, or an environment that has [records] with --env=NAME|PATH."
            raise CouldNotLook("records", "no folder of records is named", remedy=remedy)
        if table.folder is None:
            remedy = f"Clone {table.git}, name the folder in it with --folder=DIR, and push."
            raise CouldNotLook("records", "they are kept in a git repository", remedy=remedy)
        return self.environment.beside(table.folder)

    def wants_signature(self, kind: str) -> bool:
        """Whether policy asks for a signature on records of a kind."""
        table = self.environment.records if self.environment else None
        return table is not None and any(rule.signed and rule.kind == kind for rule in table.rules)


def add_target(parser: argparse.ArgumentParser, *more: str) -> None:
    """Declare `--env`, and `--folder` where asked for."""
    parser.add_argument("--env", metavar="NAME|PATH", help="the environment (also INMIDST_ENV)")
    if "folder" in more:
        parser.add_argument("--folder", type=Path, metavar="DIR", help="folder of records")


def named_target(asked: argparse.Namespace) -> Named:
    """What the options, or INMIDST_ENV, name.

    Raises:
        BadEnvironment: the environment file is not there, or bad.
    """
    named = asked.env or os.environ.get("INMIDST_ENV")
    return Named(load(find(named, EXAMPLES)) if named else None, getattr(asked, "folder", None))
