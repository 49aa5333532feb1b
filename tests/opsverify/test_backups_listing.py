"""Which backups there are, by names alone: ages, holes, retention and sizes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opsverify.backups.listing import Found, missing, odd_sizes, sort_out
from opsverify.backups.names import BadPattern, Pattern
from opsverify.environment import BackupKind, Backups, Store
from opsverify.stores import Stored

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FULL = BackupKind(
    name="full", pattern="backup-%Y%m%d.dump", format="custom", period_hours=24, retention_days=30
)
TIMED = FULL.model_copy(update={"pattern": "midst-%Y%m%d-%H%M%S.sql.gz"})
BACKUPS = Backups(store=Store(at="backups"), kinds=(FULL,))


def daily(*days: int, size: int = 1000) -> list[Stored]:
    """One for each of so many days ago, written at two in the night."""
    return [one(NOW - day * DAY, size) for day in days]


def one(at: datetime, size: int = 1000) -> Stored:
    """One of a day, written at two in the night."""
    return Stored(f"backup-{at:%Y%m%d}.dump", size, at.replace(hour=2))


def seen(*stored: Stored, kind: BackupKind = FULL) -> Found:
    """What of a store is of a kind."""
    return sort_out(stored, kind, NOW)


@pytest.mark.parametrize(
    ("pattern", "name", "hour"),
    [
        ("backup-%Y%m%d.dump", "backup-20261124.dump", 0),
        ("*_%Y%m%d_%H%M%S.sql.gz", "midst_20261124_020000.sql.gz", 2),
        ("midst-%Y%m%d-%H%M%S.sql.gz", "midst-20261124-020000.sql.gz", 2),
        ("daily/%Y/%m/%d/midst.dump", "daily/2026/11/24/midst.dump", 0),
        ("100%%-%Y%m%d", "100%-20261124", 0),
    ],
)
def test_a_name_says_when(pattern: str, name: str, hour: int) -> None:
    """By the fields of its kind's pattern, in UTC."""
    found = Pattern(pattern).read(name)
    assert found is not None
    assert found.at == datetime(2026, 11, 24, hour, tzinfo=UTC)
    assert found.whole == ("%H" in pattern)


@pytest.mark.parametrize(
    "name",
    ["backup-20261324.dump", "backup-20260230.dump", "backup-2026112.dump", "xbackup-20261124.dump", ""],
)
def test_a_name_that_is_none(name: str) -> None:
    """A day that is not in the calendar, or anything before or after."""
    assert Pattern("backup-%Y%m%d.dump").read(name) is None


@pytest.mark.parametrize("pattern", ["backup.dump", "backup-%Y%m.dump", "%Y%m%d-%Y", "%Y%m%d-%j", "%Y%m%d%"])
def test_a_pattern_without_a_day(pattern: str) -> None:
    """It could not tell one night's backup from another's."""
    with pytest.raises(BadPattern):
        Pattern(pattern)


def test_a_copy_does_not_make_it_younger() -> None:
    """A name that says only the day: the store's time counts within that day, else the usual one."""
    old = Stored("backup-20261101.dump", 1, NOW)
    assert [found.at for found in seen(old).backups] == [datetime(2026, 11, 1, 2, tzinfo=UTC)]
    fresh = Stored("backup-20261124.dump", 1, NOW)
    assert [found.at for found in seen(fresh).backups] == [NOW]


def test_one_from_the_future_is_not_the_newest() -> None:
    """It would look young for ever; a clock that is a little ahead is borne with."""
    ahead = Stored("midst-20261124-120400.sql.gz", 1, NOW)
    future = Stored("midst-20271124-120000.sql.gz", 1, NOW)
    found = seen(ahead, future, kind=TIMED)
    assert [backup.name for backup in found.backups] == [ahead.name]
    assert [backup.name for backup in found.future] == [future.name]


def test_others_are_counted_and_left_alone() -> None:
    """What another job puts there is none of this kind."""
    found = seen(*daily(0), Stored("backup-20261124.dump.json", 1, NOW), Stored("wal/0001", 1, NOW))
    assert (len(found.backups), found.others) == (1, 2)


def test_a_directory_is_one_backup() -> None:
    """Of all its files together."""
    kind = FULL.model_copy(update={"pattern": "backup-%Y%m%d", "format": "directory"})
    files = [Stored(f"backup-20261124/{name}", 10, NOW) for name in ("toc.dat", "1.dat.gz", "2.dat.gz")]
    found = seen(*files, Stored("backup-20261123", 5, NOW), kind=kind)
    assert [(backup.name, backup.size) for backup in found.backups] == [("backup-20261124", 30)]


@pytest.mark.parametrize(
    ("days", "holes"),
    [
        (range(31), 0),
        ([day for day in range(31) if day != 12], 1),
        ([day for day in range(31) if day not in (12, 13)], 1),
        ([day for day in range(31) if day not in (5, 12)], 2),
        (range(20), 1),
        ([], 1),
        ([40], 1),
    ],
)
def test_holes_in_the_retention(days: range | list[int], holes: int) -> None:
    """Each is named once, however long; so is a beginning that came too late."""
    assert len(list(missing(seen(*daily(*days)), FULL, None, NOW))) == holes


def test_nothing_lacks_from_before_the_beginning() -> None:
    """Backups are made since a day that the environment names."""
    began = NOW - 20 * DAY
    assert list(missing(seen(*daily(*range(20))), FULL, began, NOW)) == []


def test_a_late_night_is_no_hole() -> None:
    """Two hours are borne with by default, three are not."""
    times = [NOW - n * DAY for n in range(32)]

    def named(times: list[datetime]) -> Found:
        return seen(*(Stored(f"midst-{at:%Y%m%d-%H%M%S}.sql.gz", 1, at) for at in times), kind=TIMED)

    times[10] += timedelta(hours=2)
    assert list(missing(named(times), TIMED, None, NOW)) == []
    times[10] += timedelta(hours=1)
    assert len(list(missing(named(times), TIMED, None, NOW))) == 1


@pytest.mark.parametrize(
    ("sizes", "small", "large"),
    [
        ((1000, 1000, 1000, 1000), 0, 0),
        ((20, 1000, 1000, 1000), 1, 0),
        ((10_000, 1000, 1000, 1000), 0, 1),
        ((1000, 20, 1000, 1000, 1000), 1, 0),
        ((1000, 20, 20, 1000, 1000, 1000), 2, 0),
        ((1400, 1300, 1200, 1100, 1000), 0, 0),
        ((0, 0, 0, 0), 0, 0),
        ((20, 1000), 0, 0),
    ],
)
def test_sizes_against_those_before(sizes: tuple[int, ...], small: int, large: int) -> None:
    """By the median, which one odd predecessor does not move; too few are not compared."""
    stored = [one(NOW - day * DAY, size) for day, size in enumerate(sizes)]
    found = odd_sizes(seen(*stored), FULL, BACKUPS, NOW)
    assert tuple(map(len, found)) == (small, large)
