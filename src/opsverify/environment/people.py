"""What an environment declares of its records: where they are, and who may attest what."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from opsverify.environment.base import Positive, Table, Words


class RecordRule(Table):
    """What makes a record of one kind count. All rules that fit a record hold."""

    kind: Words
    what: str | None = None
    """Of attestations: only those of this item."""
    by: tuple[Words, ...] = ()
    """Who may write it; none named: anybody."""
    holds_for_hours: Positive | None = None
    """How long it counts, from its own time on; None: as long as what it is for."""
    signed: bool = False
    """The git commit that holds it is signed with an SSH key of `allowed_signers`, by whom it names."""


class RecordsTable(Table):
    """Where the records are, and what makes one count."""

    folder: Path | None = None
    """A folder of TOML files. Where a rule asks for signatures it lies in a git repository."""
    git: str | None = None
    """Instead: a repository that git can clone, bare or not."""
    branch: str | None = None
    """Of that repository; None: its default branch."""
    under: str = ""
    """Folder of the records inside the repository."""
    allowed_signers: Path | None = None
    """OpenSSH file of principals and their public keys, beside the environment file: never out of the
    repository that it judges."""
    rules: tuple[RecordRule, ...] = Field(default=())

    @model_validator(mode="after")
    def _names_one_place(self) -> RecordsTable:
        if (self.folder is None) == (self.git is None):
            raise ValueError("expected exactly one of folder, git")
        if any(rule.signed for rule in self.rules) and self.allowed_signers is None:
            raise ValueError("allowed_signers: missing, expected a file: a rule asks for signatures")
        return self

    @property
    def name(self) -> str:
        """The subject's name."""
        return "records"
