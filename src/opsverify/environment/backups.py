"""Where the backups are, what they are called, how often they are made and how long they are kept."""

from __future__ import annotations

from datetime import date, time
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from opsverify.backups.names import BadPattern, Pattern
from opsverify.environment.base import Name, Positive, Table, VariableName, Words, http_address

Percent = Annotated[float, Field(gt=0)]

WRAPPINGS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".tgz": "gzip", ".zst": "zstd"}
"""How a whole file is compressed, by the ending of its name."""


class Store(Table):
    """A place where backups lie: a folder, or a bucket that speaks S3."""

    at: Words
    """A folder, from the environment file's own; or `s3://BUCKET/PREFIX`."""
    endpoint: str | None = None
    """Address of an S3 service that is not Amazon's."""
    region: Words = "us-east-1"
    access_key_from: VariableName | None = None
    secret_key_from: VariableName | None = None
    session_token_from: VariableName | None = None
    """Without keys a bucket is asked anonymously."""

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, endpoint: str | None) -> str | None:
        return None if endpoint is None else http_address(endpoint)

    @model_validator(mode="after")
    def _is_a_place(self) -> Store:
        if "://" in self.at and not self.is_bucket:
            raise ValueError("expected a folder or s3://BUCKET/PREFIX")
        if self.is_bucket and not self.bucket:
            raise ValueError("expected s3://BUCKET/PREFIX, there is no bucket")
        if (self.access_key_from is None) != (self.secret_key_from is None):
            raise ValueError("expected both access_key_from and secret_key_from, or neither")
        return self

    @property
    def is_bucket(self) -> bool:
        """Whether it is reached over the network."""
        return self.at.startswith("s3://")

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.at.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """What all names in the bucket that are meant begin with; empty: all are meant."""
        return self.at.removeprefix("s3://").partition("/")[2].strip("/")

    @property
    def folder(self) -> Path:
        """The folder, as the file names it."""
        return Path(self.at)


class BackupKind(Table):
    """Backups of one sort: how they are named and made, how often, and for how long they are kept."""

    name: Name
    pattern: Words
    """Names below the store: `backups/midst_%Y%m%d_%H%M%S.sql.gz`. A star stands for anything but a slash."""
    format: Literal["custom", "directory", "tar", "plain"]
    """As pg_dump calls it. A directory may be packed in one tar file."""
    wrapped: Literal["none", "gzip", "zstd"] | None = None
    """How the whole file is compressed around that; None: as the ending of the pattern says."""
    period_hours: Positive | None = None
    """How often one is made. None: by hand, or for a deployment."""
    late_at_most_hours: Annotated[float, Field(ge=0)] = 2
    """How much later than its period one may be."""
    retention_days: Positive | None = None
    """How long each is kept. None: no period is missed and none is too old."""
    kept_beyond_at_most_days: Annotated[float, Field(ge=0)] = 7
    """How much longer than that one may lie there."""
    made_at: time = time(2, 0)
    """When it is made (UTC), where its name says only the day and its time in the store is another."""
    manifest: Words = "{name}.json"
    """Name, in the same store, of what is written down with a backup; it need not be there."""
    cold: StrictBool = False
    """Whether it is to lie in a cold storage class."""
    store: Store | None = None
    """Where these are, when elsewhere than the others."""
    read_within_minutes: Positive = 30
    """How long reading one to its end may take."""

    @field_validator("store", mode="before")
    @classmethod
    def _may_be_a_name(cls, store: Any) -> Any:
        return {"at": store} if isinstance(store, str) else store

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            Pattern(pattern)
        except BadPattern as error:
            raise ValueError(str(error)) from None
        return pattern

    @property
    def wrapping(self) -> Literal["none", "gzip", "zstd"]:
        """How the whole file is compressed."""
        if self.wrapped is not None:
            return self.wrapped
        return next((how for ending, how in WRAPPINGS.items() if self.pattern.endswith(ending)), "none")

    @property
    def packed(self) -> bool:
        """Whether a directory is packed in one tar file."""
        return self.format == "directory" and any(
            ending in self.pattern for ending in (".tar", ".tgz", ".tar.gz")
        )


class KeyTable(Table):
    """A table whose newest row says how recent the data are."""

    table: Words
    column: Words
    """A timestamp that each new row gets."""


RUNBOOK_KINDS = (
    BackupKind(
        name="full", pattern="backup-%Y%m%d.dump", format="custom", period_hours=24, retention_days=30
    ),
    BackupKind(
        name="logical",
        pattern="*_%Y%m%d_%H%M%S.sql.gz",
        format="plain",
        period_hours=7 * 24,
        late_at_most_hours=12,
        retention_days=90,
        cold=True,
    ),
)
"""Runbook: automated-backups. Names as its manual backup has them, and as a cron job makes them."""


class Backups(Table):
    """The platform's backups, and what is asked of them."""

    store: Store
    kinds: Annotated[tuple[BackupKind, ...], Field(min_length=1)] = RUNBOOK_KINDS
    began: date | None = None
    """Since when backups are made: what is older cannot be missing."""
    database: Words | None = None
    """Whose backups they are, where the store holds those of several; only said in messages."""
    tables: tuple[Words, ...] = ("profiles", "subscriptions")
    """What has to be in each dump, beside what is written down with it; `schema.table`, or in `public`."""
    key_tables: tuple[KeyTable, ...] = (KeyTable(table="profiles", column="updated_at"),)
    alone: tuple[Words, ...] = ("profiles", "subscriptions")
    """Tables that have to be restorable without the others. Runbook: manual-backup."""
    size_at_least_percent: Percent = 50
    """Of the median of those before it."""
    size_at_most_percent: Percent = 300
    sizes_at_least: Annotated[int, Field(ge=1)] = 3
    """How many before it are needed to say so."""
    sizes_judged_days: Positive = 7
    """Those of the last so many days, or of the last two periods, and always the newest."""
    change_backup_at_most_hours: Positive = 4
    """Age of the backup that is made for a deployment or a window."""
    rpo_at_most_hours: Positive = 24
    """How much newer the source may be than what was restored: what a daily backup promises."""
    rto_at_most_minutes: Positive | None = None
    """How long a restore may take. The runbook states none: without it, it is measured only."""
    rows_differ_at_most_percent: Annotated[float, Field(ge=0)] = 5
    """Between source and copy, where nothing was written down with the backup."""
    drill_within_minutes: Positive = 120
    """How long one drill may take."""
    restore_jobs: Annotated[int, Field(ge=1, le=64)] = 2
    scratch_at_most_gigabytes: Positive = 100
    """Disk that one drill may take."""
    scratch_factor: Positive = 10
    """Bytes a restored database is reckoned with for each byte of its dump, before the drill begins."""
    benign: tuple[Words, ...] = ()
    """Errors of a restore that are expected here, as regular expressions of their whole text."""

    @field_validator("store", mode="before")
    @classmethod
    def _may_be_a_name(cls, store: Any) -> Any:
        return {"at": store} if isinstance(store, str) else store

    @model_validator(mode="after")
    def _names_differ(self) -> Backups:
        names = [kind.name for kind in self.kinds]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"kinds: the name {name!r} stands twice")
        return self

    @property
    def name(self) -> str:
        """The subject's name."""
        return "backups"

    @property
    def scheduled(self) -> tuple[BackupKind, ...]:
        """The kinds that are made again and again."""
        return tuple(kind for kind in self.kinds if kind.period_hours is not None)

    @property
    def drilled(self) -> BackupKind:
        """The kind whose newest one is restored: the one called full, or else the first."""
        return next((kind for kind in self.kinds if kind.name == "full"), self.kinds[0])

    @property
    def rpo_at_most_seconds(self) -> float:
        """The same in seconds, as it is measured."""
        return self.rpo_at_most_hours * 3600

    @property
    def rto_at_most_seconds(self) -> float:
        """The same in seconds; without a target, any time."""
        return inf if self.rto_at_most_minutes is None else self.rto_at_most_minutes * 60

    def store_of(self, kind: BackupKind) -> Store:
        """Where the backups of a kind are."""
        return kind.store or self.store

    def takes_secrets_from(self) -> list[str]:
        """Names of the variables that its stores take secrets from."""
        stores = [self.store, *(kind.store for kind in self.kinds if kind.store is not None)]
        return [name for store in stores for name in store.takes_secrets_from()]
