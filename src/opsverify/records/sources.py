"""Where the files of records are: a folder, or a commit of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opsverify.environment import Environment, RecordsTable
from opsverify.git import Repository, Signature, opened
from opsverify.looking import CouldNotLook
from opsverify.records.reading import AT_MOST_BYTES

SUFFIXES = (".toml", ".md")
FILES_AT_MOST = 20_000
VERDICT_AT_MOST_BYTES = 16 * 1024 * 1024
"""A verdict on thousands of checks has a few megabytes."""


@dataclass(frozen=True)
class Folder:
    """Records in a folder; those that have to be signed are compared with the repository around it."""

    path: Path
    allowed: Path | None

    def files(self, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[tuple[str, bytes]]:
        """Name and text of each file; one that is too large is cut.

        Raises:
            CouldNotLook: the folder or a file cannot be read, or it holds far too many.
        """
        if not self.path.is_dir():
            raise CouldNotLook(
                "records",
                f"there is no folder {self.path.name}",
                remedy="Make it, or correct [records] folder.",
            )
        try:
            for count, file in enumerate(sorted(self.path.rglob("*"))):
                if count > FILES_AT_MOST:
                    raise CouldNotLook("records", f"{self.path.name} holds more than {FILES_AT_MOST:,} files")
                name = file.relative_to(self.path)
                hidden = any(part.startswith(".") for part in name.parts)
                if file.suffix in suffixes and not hidden and not file.is_symlink() and file.is_file():
                    yield name.as_posix(), bounded(file)
        except OSError as error:
            raise CouldNotLook("records", f"{self.path.name} cannot be read: {error.strerror}") from None

    def signature(self, file: str, text: bytes, who: str) -> Signature:
        """Who signed the commit that holds a file as it stands; of several whose key it is, `who`.

        Raises:
            CouldNotLook: git does not answer, or the history is cut off.
        """
        repository = Repository(self.path, where=self.path.name, of="records")
        try:
            prefix = repository.prefix()
        except CouldNotLook:
            return Signature(None, "it lies in no git repository, so nothing is signed")
        return _signature(repository, "HEAD", prefix + file, text, self.allowed, who)


@dataclass(frozen=True)
class Committed:
    """Records as the newest commit of a repository has them."""

    repository: Repository
    commit: str
    under: str
    allowed: Path | None

    def files(self, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[tuple[str, bytes]]:
        """Name and text of each file.

        Raises:
            CouldNotLook: git does not answer.
        """
        blobs = self.repository.files(self.commit, self.under)
        wanted = {path: blob for path, blob in blobs.items() if path.endswith(suffixes)}
        yield from self.repository.read_all(wanted).items()

    def signature(self, file: str, text: bytes, who: str) -> Signature:
        """Who signed the commit that holds a file; of several whose key it is, `who`.

        Raises:
            CouldNotLook: git does not answer, or the history is cut off.
        """
        return _signature(self.repository, self.commit, file, text, self.allowed, who)


def source_of(environment: Environment, table: RecordsTable) -> Folder | Committed:
    """Where an environment's records are.

    Raises:
        CouldNotLook: the repository cannot be reached, or has no such branch.
    """
    allowed = environment.path(table.allowed_signers)
    if table.git is None:
        return Folder(environment.beside(table.folder or Path()), allowed)
    repository = opened(environment, table.git, of="records")
    commit = repository.resolve(table.branch or "HEAD")
    if commit is None:
        raise CouldNotLook("records", f"{repository.where} has no {table.branch or 'commit'}")
    return Committed(repository, commit, table.under.strip("/"), allowed)


def _signature(
    repository: Repository, revision: str, path: str, text: bytes, allowed: Path | None, who: str
) -> Signature:
    commit = repository.last_commit(path, revision)
    if commit is None:
        return Signature(None, "it is not committed")
    if revision == "HEAD" and repository.read(revision, path) != text:
        return Signature(None, "it was changed after it was committed")
    if allowed is None:
        return Signature(None, "the environment names no allowed signers")
    return repository.signature(commit, allowed, who)


def bounded(file: Path) -> bytes:
    """The text of a file, as far as a record, or a verdict, is read."""
    with file.open("rb") as opened_file:
        return opened_file.read((VERDICT_AT_MOST_BYTES if file.suffix == ".json" else AT_MOST_BYTES) + 1)
