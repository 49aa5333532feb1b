"""Dumps read to their end: the newest of each kind, and the one that was made for a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsverify.backups.listing import Backup, declared, found
from opsverify.backups.reading import ReadThrough, in_public, manifest_of, read_through
from opsverify.environment import BackupKind, Backups, Environment
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.backups import IMPORTS as FOR_STORES
from opsverify.probes.backups import newest_of
from opsverify.records import Attestation, Window, book, coming
from opsverify.windows import next_or_current

IMPORTS = (*FOR_STORES, "zlib", "tarfile", "opsverify.backups.reading")
"""What is imported before the looks start, and not in their threads."""

TAKEN = "backup taken"
"""What somebody attests who made a backup that does not say itself what for."""


@dataclass(frozen=True, kw_only=True)
class Complete(Snapshot):
    """The newest backup of a kind, read to its end."""

    flaws: tuple[str, ...]
    lacking: tuple[str, ...]
    """Tables that should be in it."""
    seconds: float
    size: int

    def measures(self) -> dict[str, float]:
        """How long it took."""
        return {"backup_read_seconds": self.seconds}


@dataclass(frozen=True, kw_only=True)
class Prepared(Snapshot):
    """The backup that was made for a deployment or window."""

    missing: tuple[str, ...]
    """That there is none, and what those that there are lack."""
    flaws: tuple[str, ...]


def complete(environment: Environment, scheduled_backup: BackupKind) -> Complete:
    """Read the newest backup of a kind to its end.

    Raises:
        CouldNotLook: there is none, it cannot be reached, or the tools here cannot read it.
    """
    backup = newest_of(environment, scheduled_backup, datetime.now(UTC))
    read = read_through(environment, scheduled_backup, backup)
    return Complete(
        where=f"{declared(environment).store_of(scheduled_backup).at}: {one_line(backup.name)}",
        flaws=() if read.flaw is None else (f"{backup}: {read.flaw}",),
        lacking=() if read.flaw else tuple(read.contents.lacks(expected_tables(environment, read))),
        seconds=read.seconds,
        size=backup.size,
        evidence=(account(backup, read),),
    )


def expected_tables(environment: Environment, read: ReadThrough) -> list[str]:
    """What has to be in a dump: as declared, and as written down with it."""
    noted = read.manifest.contents.tables if read.manifest and read.manifest.contents else {}
    return sorted({*map(in_public, declared(environment).tables), *noted})


def account(backup: Backup, read: ReadThrough) -> Evidence:
    """How a backup was read, and what is in it, as evidence."""
    noted = "none" if read.manifest is None else f"of {read.manifest.taken:%Y-%m-%d %H:%M:%S %Z}"
    lines = [
        str(backup),
        f"read with: {read.tool}, in {read.seconds:.2f} s, {read.contents.size:,} bytes without wrapping",
        f"flaw: {read.flaw or 'none'}",
        f"manifest: {noted}",
        f"tables with data: {', '.join(sorted(map(one_line, read.contents.filled))) or 'none'}",
    ]
    return Evidence(f"backup {one_line(backup.name)}", "\n".join(lines))


def prepared(environment: Environment, backups_with_records: Backups) -> Prepared:
    """Find the backup that was made for the change that is next, and read it to its end.

    One counts whose manifest names this release or window; one that names nothing counts when it is
    of a kind that is made by hand, or when somebody attests that it was made for this change.

    Raises:
        CouldNotLook: nothing says which change is next, or the store or the backup cannot be read.
    """
    now = datetime.now(UTC)
    change = _change(environment, now)
    limit = timedelta(hours=backups_with_records.change_backup_at_most_hours)
    missing: list[str] = []
    for kind, backup in _youngest_first(environment, backups_with_records, now):
        if (why := _not_for(environment, kind, backup, change)) is not None:
            if why:
                missing.append(f"{backup} {why}")
            continue
        age = now - backup.at
        if age > limit:
            hours = timedelta(hours=1)
            missing.append(f"{backup} is {age / hours:.1f} h old, at most {limit / hours:g} h")
            break
        read = read_through(environment, kind, backup)
        lacking = [] if read.flaw else read.contents.lacks(expected_tables(environment, read))
        flaws = [read.flaw] if read.flaw else [f"it lacks {table}" for table in lacking]
        return Prepared(
            where=one_line(backup.name),
            missing=(),
            flaws=tuple(f"{backup}: {flaw}" for flaw in flaws),
            evidence=(account(backup, read),),
        )
    missing.insert(0, f"none was made for {change}")
    return Prepared(
        where=backups_with_records.store.at,
        missing=tuple(missing[:10]),
        flaws=(),
        evidence=(Evidence("backups that do not count", "\n".join(missing)),),
    )


@dataclass(frozen=True)
class _Change:
    release: str | None
    window: str | None
    attested: frozenset[str]
    """Names of backups that somebody attests were made for it."""

    def __str__(self) -> str:
        parts = [one_line(self.release)] if self.release else []
        return " ".join([*parts, f"window {one_line(self.window)}"] if self.window else parts)


def _change(environment: Environment, now: datetime) -> _Change:
    pages = book(environment)
    window = next_or_current(pages.counting(Window, now), now)
    release = None
    try:
        release = coming(environment, now).name
    except CouldNotLook:
        if window is None:
            raise
    name = window.record.id if window else None
    attested = [
        one.record.link.rpartition("/")[2]
        for one in pages.counting(Attestation, now)
        if one.record.what == TAKEN
        and one.record.link
        and ((release and one.record.release == release) or (name and one.record.window == name))
    ]
    return _Change(release, name, frozenset(attested))


def _youngest_first(
    environment: Environment, backups: Backups, now: datetime
) -> Iterator[tuple[BackupKind, Backup]]:
    """All backups that are not much older than one for a change may be."""
    oldest = now - timedelta(hours=backups.change_backup_at_most_hours) * 3
    those = [
        (kind, backup)
        for kind in backups.kinds
        for backup in found(environment, kind, now).backups
        if kind.period_hours is None or backup.at >= oldest
    ]
    return iter(sorted(those, key=lambda pair: pair[1].at, reverse=True))


def _not_for(environment: Environment, kind: BackupKind, backup: Backup, change: _Change) -> str | None:
    """Why a backup does not count for a change; empty when it goes without saying; None when it counts."""
    if backup.name.rpartition("/")[2] in change.attested:
        return None
    noted = manifest_of(environment, kind, backup)
    if noted is not None and (noted.release or noted.window):
        other = [
            one_line(f"{what} {named}")
            for what, named, ours in (
                ("release", noted.release, change.release),
                ("window", noted.window, change.window),
            )
            if named and ours and named != ours
        ]
        return f"was made for {' and '.join(other)}" if other else None
    return None if kind.period_hours is None else ""
