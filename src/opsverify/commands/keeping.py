"""Writing a new record, and committing it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from opsverify.evidence import one_line


class Unwritten(Exception):
    """A record was not written; the text says why and what to do."""


def write_new(file: Path, text: str) -> None:
    """Write a record where none is yet.

    Raises:
        Unwritten: it could not be written; one that is there stays as it is.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise Unwritten(f"{file} is there already: nothing was written") from None
    except OSError as error:
        raise Unwritten(f"{file}: not written: {error.strerror}") from None


def commit(file: Path, *, signed: bool) -> None:
    """Commit a record that was just written.

    Raises:
        Unwritten: git did not; the record is there all the same.
    """
    sign = ["--gpg-sign"] if signed else []
    for command in (
        ["add", "--", file.name],
        ["commit", "--quiet", *sign, "--message", f"Record {file.name}", "--", file.name],
    ):
        try:
            done = subprocess.run(
                ["git", *command], cwd=file.parent, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise Unwritten(f"{file} is written and not committed: git is not installed") from None
        if done.returncode != 0:
            why = one_line(done.stderr, at_most=400)
            raise Unwritten(f"{file} is written and not committed: {why}")
    print(f"committed{' and signed' if signed else ''}")
