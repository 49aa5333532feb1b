"""What the listing of a backup store says: ages, holes, sizes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from opsverify.backups.listing import Backup, Found, declared, found, missing, odd_sizes
from opsverify.environment import BackupKind, Environment
from opsverify.evidence import Evidence
from opsverify.looking import CouldNotLook, Snapshot

IMPORTS = ("opsverify.stores", "obstore.store", "obstore.exceptions")
"""What is imported before the looks start, and not in their threads."""

SHOWN = 200
"""Backups that are listed in the evidence."""


@dataclass(frozen=True, kw_only=True)
class Listed(Snapshot):
    """The backups of a kind, by their names."""

    old: tuple[str, ...]
    """The newest, when it is too old; or that there is none."""
    future: tuple[str, ...]
    """Whose name lies in the future."""
    missing: tuple[str, ...]
    """Holes in the retention."""
    kept_too_long: tuple[str, ...]
    age_seconds: float | None
    """Of the newest."""
    size: int | None
    """Bytes of the newest."""

    def measures(self) -> dict[str, float]:
        """Age and size of the newest, to be kept over the runs."""
        found = {"backup_age_seconds": self.age_seconds, "backup_bytes": self.size}
        return {name: float(value) for name, value in found.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Sizes(Snapshot):
    """The sizes of a kind's backups, each against those before it."""

    small: tuple[str, ...]
    large: tuple[str, ...]


def listed(environment: Environment, scheduled_backup: BackupKind) -> Listed:
    """What a kind's names say.

    Raises:
        CouldNotLook: the store cannot be listed.
    """
    now = datetime.now(UTC)
    backups = declared(environment)
    seen = found(environment, scheduled_backup, now)
    began = datetime.combine(backups.began, time.min, UTC) if backups.began else None
    newest = seen.newest
    age = now - newest.at if newest else None
    return Listed(
        where=backups.store_of(scheduled_backup).at,
        old=tuple(_old(seen, scheduled_backup, now)),
        future=tuple(map(str, seen.future)),
        missing=tuple(missing(seen, scheduled_backup, began, now)),
        kept_too_long=tuple(_kept_too_long(seen, scheduled_backup, now)),
        age_seconds=age.total_seconds() if age else None,
        size=newest.size if newest else None,
        evidence=(table(scheduled_backup, seen),),
    )


def sizes(environment: Environment, scheduled_backup: BackupKind) -> Sizes:
    """Which backups of a kind are of an odd size.

    Raises:
        CouldNotLook: the store cannot be listed, or there are too few to say so.
    """
    now = datetime.now(UTC)
    backups = declared(environment)
    seen = found(environment, scheduled_backup, now)
    if len(seen.backups) <= backups.sizes_at_least:
        raise CouldNotLook(
            "backups",
            f"of kind {scheduled_backup.name} there are {len(seen.backups)}, "
            f"{backups.sizes_at_least + 1} are needed to compare their sizes",
        )
    small, large = odd_sizes(seen, scheduled_backup, backups, now)
    return Sizes(
        where=backups.store_of(scheduled_backup).at,
        small=tuple(small),
        large=tuple(large),
        evidence=(table(scheduled_backup, seen),),
    )


def table(kind: BackupKind, seen: Found) -> Evidence:
    """The backups of a kind, the newest first, as evidence."""
    lines = [f"{one}" for one in seen.backups[:SHOWN]]
    if len(seen.backups) > SHOWN:
        lines.append(f"… and {len(seen.backups) - SHOWN} older ones")
    lines += [f"in the future: {one}" for one in seen.future[:SHOWN]]
    lines.append(f"{seen.others} objects are none of pattern {kind.pattern}")
    return Evidence(f"backups of kind {kind.name}", "\n".join(lines))


def newest_of(environment: Environment, kind: BackupKind, now: datetime) -> Backup:
    """The newest backup of a kind.

    Raises:
        CouldNotLook: there is none, or the store cannot be listed.
    """
    newest = found(environment, kind, now).newest
    if newest is None:
        raise CouldNotLook("backups", f"of kind {kind.name} there is none", remedy="BAK-01 says more.")
    return newest


def _old(seen: Found, kind: BackupKind, now: datetime) -> list[str]:
    if kind.period_hours is None:
        return []
    if seen.newest is None:
        return [f"there is none of pattern {kind.pattern}"]
    limit = timedelta(hours=kind.period_hours + kind.late_at_most_hours)
    age = now - seen.newest.at
    if age <= limit:
        return []
    return [f"{seen.newest}: {age / timedelta(hours=1):.1f} h old, at most {limit / timedelta(hours=1):g} h"]


def _kept_too_long(seen: Found, kind: BackupKind, now: datetime) -> list[str]:
    if kind.retention_days is None:
        return []
    oldest = now - timedelta(days=kind.retention_days + kind.kept_beyond_at_most_days)
    return [
        f"{one}: {(now - one.at).days} days old, kept for {kind.retention_days:g}"
        for one in seen.backups
        if one.at < oldest
    ]
