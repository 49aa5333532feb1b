"""Which backups there are, by the names in a store, and what their ages and sizes say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from opsverify.backups.names import Pattern, moment
from opsverify.evidence import one_line
from opsverify.moments import utc

if TYPE_CHECKING:
    from opsverify.environment import BackupKind, Backups, Environment
    from opsverify.stores import Stored

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far in the future a backup's name may lie: who made it has another clock."""
PREDECESSORS = 10
"""How many before it a backup's size is held against, at most."""


@dataclass(frozen=True)
class Backup:
    """One backup: a file, or a folder of files."""

    name: str
    at: datetime
    """When it was made."""
    parts: tuple[Stored, ...]
    """Its files; one, unless it is a directory."""

    @property
    def size(self) -> int:
        """Bytes, of all its files."""
        return sum(part.size for part in self.parts)

    def __str__(self) -> str:
        """`backup-20261124.dump (2026-11-24 02:00 UTC, 1,234 bytes)`."""
        return f"{one_line(self.name)} ({utc(self.at)}, {self.size:,} bytes)"


@dataclass(frozen=True)
class Found:
    """The backups of a kind."""

    backups: tuple[Backup, ...]
    """The newest first; those whose name lies in the future are not among them."""
    future: tuple[Backup, ...]
    others: int
    """Objects of the store that are none of this kind."""

    @property
    def newest(self) -> Backup | None:
        """The last that was made."""
        return self.backups[0] if self.backups else None


def sort_out(stored: Iterable[Stored], kind: BackupKind, now: datetime) -> Found:
    """The backups of a kind among a store's objects.

    Args:
        stored: everything in the store.
        kind: how they are named.
        now: the present moment.
    """
    pattern = Pattern(kind.pattern)
    whole_folders = kind.format == "directory" and not kind.packed
    made_at = timedelta(hours=kind.made_at.hour, minutes=kind.made_at.minute)
    groups: dict[str, list[Stored]] = {}
    others = 0
    depth = kind.pattern.count("/") + 1
    for one in stored:
        name = "/".join(one.name.split("/")[:depth]) if whole_folders else one.name
        if pattern.read(name) is None or (whole_folders and name == one.name):
            others += 1
        else:
            groups.setdefault(name, []).append(one)
    backups = []
    for name, parts in groups.items():
        named = pattern.read(name)
        if named is not None:
            at = moment(named, min(part.modified for part in parts), made_at)
            backups.append(Backup(name, at, tuple(sorted(parts, key=lambda part: part.name))))
    backups.sort(key=lambda one: (one.at, one.name), reverse=True)
    latest = now + CLOCKS_DIFFER_BY
    # A whole day named by a clock ahead of ours begins in the future, and is none for that.
    return Found(
        tuple(one for one in backups if one.at <= latest),
        tuple(one for one in backups if one.at > latest),
        others,
    )


def found(environment: Environment, kind: BackupKind, now: datetime) -> Found:
    """The backups of a kind in its store, which is listed once a run.

    Raises:
        CouldNotLook: the store cannot be listed.
    """
    from opsverify.stores import listing

    return sort_out(listing(environment, declared(environment).store_of(kind)), kind, now)


def declared(environment: Environment) -> Backups:
    """The environment's table of backups.

    Raises:
        CouldNotLook: it has none.
    """
    from opsverify.looking import CouldNotLook

    if environment.backups is None:
        raise CouldNotLook("backups", f"the environment {environment.name} declares none")
    return environment.backups


def missing(seen: Found, kind: BackupKind, began: datetime | None, now: datetime) -> Iterator[str]:
    """Periods of the retention without a backup, a phrase for each hole.

    A hole is longer than the period and what one may be late. That the newest is young enough is
    another question.

    Args:
        seen: the backups that there are.
        kind: how often one is made, and for how long it is kept.
        began: since when they are made; None: for longer than the retention.
        now: the present moment.
    """
    if kind.period_hours is None or kind.retention_days is None:
        return
    period = timedelta(hours=kind.period_hours)
    bearable = period + timedelta(hours=kind.late_at_most_hours)
    since = now - timedelta(days=kind.retention_days)
    if began is not None:
        since = max(since, began)
    times = sorted(one.at for one in seen.backups)
    before = max((at for at in times if at <= since), default=since)
    for earlier, later in pairwise([before, *(at for at in times if at > since)]):
        if later - earlier > bearable:
            count = max(1, round((later - earlier) / period) - 1)
            yield f"{count} missing between {utc(earlier)} and {utc(later)}"
    if not any(at > since for at in times) and now - before > bearable:
        yield f"none since {utc(before)}"


def odd_sizes(seen: Found, kind: BackupKind, backups: Backups, now: datetime) -> tuple[list[str], list[str]]:
    """Backups that are much smaller, and much larger, than those before them, a phrase each.

    A size is held against the median of up to ten predecessors: half of them may be odd themselves
    without moving it. Judged are those of the last days, or of the last two periods, and always the
    newest; one with too few before it is not.

    Args:
        seen: the backups that there are.
        kind: how often one is made.
        backups: the limits.
        now: the present moment.
    """
    small, large = [], []
    judged = max(timedelta(days=backups.sizes_judged_days), 2 * timedelta(hours=kind.period_hours or 0))
    for index, one in enumerate(seen.backups):
        if index and one.at < now - judged:
            break
        before = [other.size for other in seen.backups[index + 1 : index + 1 + PREDECESSORS]]
        if len(before) < backups.sizes_at_least:
            break
        usual = median(before)
        percent = 100 * one.size / usual if usual else 100.0
        phrase = f"{one}: {percent:.3g} % of {usual:,.0f} bytes, the median of {len(before)} before it"
        if percent < backups.size_at_least_percent:
            small.append(phrase)
        if percent > backups.size_at_most_percent:
            large.append(phrase)
    return small, large
