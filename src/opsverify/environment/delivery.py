"""What an environment declares of its deliveries: git, migrations, maintenance, flags, who may come in."""

from __future__ import annotations

from collections import Counter
from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from opsverify.environment.base import Name, Positive, Table, VariableName, Words, http_address

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


class Proof(Table):
    """One thing that must have passed for exactly the commit to be deployed. Exactly one way is named."""

    name: Name
    """`test`, `typecheck`, `lint`."""
    command: tuple[Words, ...] = ()
    """Is run in a clean worktree of the commit; exit code 0 is good."""
    within_seconds: Positive = 600
    """How long the command may take."""
    junit: Path | None = None
    """A JUnit file that carries its commit, as property `commit` of a suite."""
    check_run: str | None = None
    """Name of a check run of GitHub."""

    @model_validator(mode="after")
    def _names_one_way(self) -> Proof:
        if sum((bool(self.command), self.junit is not None, self.check_run is not None)) != 1:
            raise ValueError("expected exactly one of command, junit, check_run")
        return self


class Git(Table):
    """The repository that releases are made from."""

    repository: Words
    """A folder, or an address that git can clone."""
    remote: str | Literal[False] = "origin"
    """Where the release's tag has to be too; false: the repository itself is the only one."""
    tag: str = "{release}"
    """The name of a release's tag."""
    migrations: tuple[str, ...] = ("apps/api/migrations", "apps/orchestrator/migrations")
    """Folders of SQL files, in the order in which they are applied."""
    rollbacks: str = "rollback"
    """Folder beside the migrations with a script of the same name for each."""
    proofs: tuple[Proof, ...] = ()
    github: str | None = None
    """`owner/name` of the repository whose check runs count."""
    github_api: str = "https://api.github.com"
    github_token_from: VariableName | None = None

    @field_validator("github_api")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return http_address(url)

    @field_validator("github")
    @classmethod
    def _is_a_repository(cls, github: str | None) -> str | None:
        if github is not None and (github.count("/") != 1 or not all(github.split("/"))):
            raise ValueError(f"expected owner/name, not {github!r}")
        return github

    @model_validator(mode="after")
    def _proofs_can_be_asked(self) -> Git:
        for name, times in Counter(proof.name for proof in self.proofs).items():
            if times > 1:
                raise ValueError(f"proofs: the name {name!r} stands twice")
        if self.github is None and any(proof.check_run is not None for proof in self.proofs):
            raise ValueError("github: missing, expected owner/name: a proof is a check run")
        return self

    @property
    def name(self) -> str:
        """The subject's name."""
        return "git"


class MigrationState(Table):
    """Where the database says which migrations it has."""

    table: str = "schema_migrations"
    version: str = "version"
    """Column with a migration's name: its file's, with or without `.sql`."""
    app: str | None = None
    """Column with the app whose migration it is: `api` for those in `apps/api/migrations`."""
    applied_at: str = "applied_at"
    failed: str | None = None
    """SQL expression over a row that says that it failed, where the table knows."""


class WindowRule(Table):
    """When maintenance of one type may be, how long, and how early it is announced."""

    days: tuple[Weekday, ...] = WEEKDAYS
    at: time | None = None
    """Start, local to `timezone`; None: any time."""
    lasts_at_most_minutes: Positive | None = None
    announced_at_least_hours: Annotated[float, Field(ge=0)] = 0
    needs_reason: bool = False


RUNBOOK_WINDOWS: dict[str, WindowRule] = {
    "minor": WindowRule(
        days=("saturday",), at=time(2), lasts_at_most_minutes=30, announced_at_least_hours=24
    ),
    "major": WindowRule(
        days=("sunday",), at=time(2), lasts_at_most_minutes=120, announced_at_least_hours=168
    ),
    "emergency": WindowRule(needs_reason=True),
}
"""Runbook: maintenance-windows."""


class Page(Table):
    """An address, and what it has to say."""

    url: str
    says: Words
    """Expected text: the value at `field`, or what stands in the page."""
    field: str | None = None
    """Where in a JSON answer: keys and numbers, joined by dots (`status.description`)."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return http_address(url)


class Maintenance(Table):
    """Windows, the status page and the ticket."""

    timezone: str = "UTC"
    """In which the windows' days and times are meant (IANA name)."""
    windows: dict[Name, WindowRule] = Field(default_factory=lambda: dict(RUNBOOK_WINDOWS))
    """By type; a type that is named here replaces the runbook's, the others stay."""
    status_before: Page | None = None
    """The status page before maintenance: says "Scheduled Maintenance" by the runbook."""
    status_after: Page | None = None
    """Likewise after it: "Operational"."""
    ticket: Page | None = None
    """The ticket, with `{ticket}` for the one on the window's record; `says` is the state of a closed one."""
    token_from: VariableName | None = None
    """Bearer token for the ticket."""

    @model_validator(mode="after")
    def _keep_the_runbooks_types(self) -> Maintenance:
        object.__setattr__(self, "windows", {**RUNBOOK_WINDOWS, **self.windows})
        return self

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, timezone: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"expected the name of a time zone, such as Europe/Berlin, not {timezone!r}"
            ) from None
        return timezone

    @property
    def name(self) -> str:
        """The subject's name."""
        return "maintenance"


class Flags(Table):
    """Feature flags, as their service exports them."""

    export: Path
    """A JSON file: an object of flags by name, each with `owner` and `percent`."""
    at: str = ""
    """The keys that lead to the object, joined by dots."""
    owner: str = "owner"
    percent: str = "percent"

    @property
    def name(self) -> str:
        """The subject's name."""
        return "flags"


class Right(Table):
    """An address that an engineer may open, or may not."""

    url: str
    answers: tuple[int, ...] = (200,)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return http_address(url)


class Access(Table):
    """What an on-call engineer can do here, asked with the engineer's own credentials."""

    dsn_from: VariableName | None = None
    """Their connection string."""
    token_from: VariableName | None = None
    """Their bearer token."""
    rights: tuple[Right, ...] = ()
    """Addresses asked with the token: that must answer, or that must refuse (`answers = [403]`)."""
    reads: tuple[str, ...] = ()
    """Tables or views that their role can read."""
    only_reads: bool = True
    """Their role can change nothing: no superuser, no table it may write to, none that it owns."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "access"
