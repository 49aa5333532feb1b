"""The report folder: one run at a time writes it, and it never holds an older verdict as if it were new."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path
from typing import IO

from reports.run import RUN_FILE, Run, write_atomically
from reports.verdict import Verdict

GATE_FILE = "gate.json"
OWN_FILES = ("summary.md", "junit.xml", "metrics.prom")
OWN_FOLDERS = ("results", "html")
LOCK_FILE = ".lock"


class FolderRefused(Exception):
    """The folder cannot be used for a report; the text says why."""


class FolderNotWritable(Exception):
    """The folder cannot be written; the text says why."""


class ReportFolder:
    """A report folder that this run holds.

    The lock is the kernel's: it ends with the process, however that ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def results(self) -> Path:
        """Where Allure results and run.json lie."""
        return self.path / "results"

    def take(self) -> None:
        """Hold the folder, made if need be.

        Raises:
            FolderRefused: another run holds it, or it has content and is no report folder.
            FolderNotWritable: it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            content = {entry.name for entry in self.path.iterdir()}
        except NotADirectoryError:
            raise FolderRefused(f"{self.path} is no folder") from None
        except FileExistsError:
            raise FolderRefused(f"{self.path} is no folder") from None
        except OSError as error:
            raise FolderNotWritable(f"{self.path}: {error.strerror}") from None
        if content - {LOCK_FILE} and not self._is_a_report():
            raise FolderRefused(
                f"{self.path} is not empty and no report folder: name another with --report=DIR"
            )
        try:
            self._lock = (self.path / LOCK_FILE).open("a")
        except OSError as error:
            raise FolderNotWritable(f"{self.path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise FolderRefused(
                f"{self.path} is held by another run: wait for it, or name another folder with --report=DIR"
            ) from None

    def begin(self, run: Run, undecided: Verdict) -> None:
        """First an undecided verdict in place of the old one, then the old report away.

        Raises:
            FolderNotWritable: one of the two did not work.
        """
        try:
            self._replace_verdict(undecided)
            for name in OWN_FOLDERS:
                if (self.path / name).exists():
                    shutil.rmtree(self.path / name)
            for name in OWN_FILES:
                (self.path / name).unlink(missing_ok=True)
            self.results.mkdir()
            write_run(self.results, run)
        except OSError as error:
            raise FolderNotWritable(f"{self.path}: {error.strerror}") from None

    def _replace_verdict(self, verdict: Verdict) -> None:
        """The old verdict goes even when there is no room for the new one."""
        try:
            self.write_verdict(verdict)
        except OSError:
            try:
                (self.path / GATE_FILE).unlink(missing_ok=True)
            except OSError:
                # not in one step, but what was there is gone in any case
                (self.path / GATE_FILE).write_text(verdict.model_dump_json(indent=2), encoding="utf-8")
            raise

    def write_verdict(self, verdict: Verdict) -> None:
        """Replace gate.json in one step.

        Raises:
            OSError: it could not be written; the old one stands.
        """
        write_atomically(self.path / GATE_FILE, verdict.model_dump_json(indent=2) + "\n", durably=True)

    def release(self) -> None:
        """Let another run have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _is_a_report(self) -> bool:
        try:
            table = json.loads((self.path / GATE_FILE).read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(table, dict) and str(table.get("schema", "")).startswith("inmidst.gate/")


def write_run(results: Path, run: Run) -> None:
    """Replace run.json in one step.

    Raises:
        OSError: it could not be written; the old one stands.
    """
    write_atomically(results / RUN_FILE, run.model_dump_json(indent=1) + "\n")
