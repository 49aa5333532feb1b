"""Bringing a platform up and taking it down, so that nothing of it is left and none is lost."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from opsverify.pgserver import Lacking, release_memory
from reference_platform import (
    backups,
    certificates,
    engineer,
    files,
    launching,
    locks,
    migrations,
    ports,
    postgres,
    records,
    repository,
    s3,
    valkey,
)
from reference_platform.parts import PARTS, UnknownPart, known
from reference_platform.processes import Failed, myself, stop, strays
from reference_platform.registry import (
    Entry,
    Record,
    Unusable,
    claim,
    discard,
    fresh,
    left_over,
    remove,
    tidy,
)
from reference_platform.state import OWN_NAMES, PORTS, BadState, Platform, Settings, locked, read
from reference_platform.waiting import NotInTime

Trouble = (UnknownPart, BadState, Lacking, Unusable, Failed, NotInTime)
"""The errors whose text tells the user what is wrong; to be used in `except`."""

TRIES = 3
"""A port that was free when it was chosen can be taken when it is used."""
STOP_WITHIN_SECONDS = 0.7
"""What runs is asked to end, and killed after that."""


def up(state: Path, *, parts: Sequence[str] = ()) -> Platform:
    """Bring a platform up in a state folder, or return the one that is up there.

    It stays up after this process has ended, until `down`. Platforms that nobody answers for any
    more are taken down first.

    Args:
        state: folder for its files; made when it is not there.
        parts: names of parts beyond the core.

    Raises:
        UnknownPart: there is no part of that name.
        BadState: the folder holds files of that name that no platform made.
        Lacking, Failed, NotInTime: a program is not here, ended, or did not get ready. What was
            started is stopped again.
    """
    wanted = known(list(parts))
    state = state.absolute()
    if read(state) is None:
        _refuse_others_files(state)
    sweep()
    made = _topmost_missing(state)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(state):
        there = read(state)
        if there is not None and there.running:
            return there
        if there is not None:  # the machine was restarted, or all its processes were killed
            made = there.made
            _remove(there.entry, state, made=None)
        platform = _bring_up(state, wanted, made=made)
        platform.entry.write(Record(state, made=made, owner=None))
        return platform


def down(state: Path) -> bool:
    """Take the platform of a state folder down and remove all that it made.

    Returns:
        Whether there was one.
    """
    state = state.absolute()
    if read(state) is None:
        return False
    with locked(state):
        platform = read(state)
        if platform is None:  # somebody else took it down while we waited
            return False
        _remove(platform.entry, state, made=platform.made)
    return True


def find(state: Path) -> Platform | None:
    """The platform that is up in a state folder, or None."""
    platform = read(state.absolute())
    return platform if platform is not None and platform.running else None


@contextmanager
def on_demand(default_state: Path, *, parts: Sequence[str] = ()) -> Iterator[Platform]:
    """A platform for as long as the block lasts.

    One that is up in `default_state` is used and left up. Otherwise one is started that belongs
    to this process alone, in a folder of its own, and is taken down at the end of the block,
    however it ends. When this process is killed, the next start of any platform does that.
    """
    if read(default_state) is not None:
        with locked(default_state):  # until whoever brings it up or takes it down is done
            there = find(default_state)
        if there is not None:
            yield there
            return
    wanted = known(list(parts))
    sweep()
    platform = _bring_up(None, wanted, made=None)
    try:
        yield platform
    finally:
        _remove(platform.entry, platform.state, made=None)


def sweep() -> int:
    """Take down every platform that nobody answers for any more.

    Returns:
        How many there were.
    """
    entries = left_over()
    for entry in entries:
        record = entry.record()
        if record is not None:
            remove(record.state / locks.NAME)  # its holder was killed
            _remove(entry, record.state, made=record.made)
    tidy()
    return len(entries)


def _bring_up(state: Path | None, parts: tuple[str, ...], *, made: Path | None) -> Platform:
    """Start a platform; with no state folder given, in one inside its own folder."""
    for tries_left in reversed(range(TRIES)):
        entry = fresh()
        platform = Platform(state or entry.folder / "state", entry, _settings(parts), made)
        try:
            claim(entry, platform.state, made=made)
            platform.state.mkdir(mode=0o700, exist_ok=True)
            return _start(platform)
        except (Failed, OSError):
            _remove(entry, platform.state, made=None)
            taken = [port for port in platform.settings.ports.values() if not ports.is_free(port)]
            if not (taken and tries_left):
                if made is not None:
                    _remove_empty(platform.state, up_to=made)
                raise
        except BaseException:  # also Ctrl-C: nothing is left running
            _remove(entry, platform.state, made=made)
            raise
    raise AssertionError("the last try returns or raises")


def _start(platform: Platform) -> Platform:
    """Start all parts, side by side as far as they allow, and wait until they are ready."""
    began = datetime.now(UTC)
    platform.save()
    for name in ("logs", "sick", "backups"):
        (platform.state / name).mkdir()
    files.write_variables(platform)
    cluster = postgres.prepare(platform)
    cache = valkey.start(platform)
    certificates.make(platform)
    for service in launching.NEED_NOTHING:
        launching.start(platform, service)
    repository.make(platform)  # while the cluster is made
    records.begin(platform)
    postgres.finish(platform, cluster)
    engineer.make(platform)
    migrations.prepare(platform)
    migrations.migrate(platform)
    migrations.seed(platform)
    valkey.wait(platform, cache)
    for part in platform.settings.parts:
        PARTS[part].up(platform)
    with backups.making(platform):
        for service in launching.NEED_THE_DATABASE:  # after the migrations, as in every deployment
            launching.start(platform, service)
        launching.wait(platform)
    records.write_down(platform, began, datetime.now(UTC))
    files.write_environment(platform)
    return platform


def _settings(parts: tuple[str, ...]) -> Settings:
    names = (*PORTS, *(s3.PORTS if s3.NAME in parts else ()))
    return Settings(
        ports=dict(zip(names, ports.free(len(names)), strict=True)),
        postgres_password=secrets.token_urlsafe(24),
        postgres_admin_password=secrets.token_urlsafe(24),
        redis_password=secrets.token_urlsafe(24),
        redis_admin_password=secrets.token_urlsafe(24),
        jwt_secret=secrets.token_urlsafe(48),
        stripe_secret_key="sk_test_" + secrets.token_hex(16),
        stripe_webhook_secret="whsec_" + secrets.token_hex(16),
        release=repository.RELEASED,
        parts=parts,
    )


def _remove(entry: Entry, state: Path, *, made: Path | None) -> None:
    """Stop what runs and remove what was made. The record goes last, so that a removal cut off is resumed.

    Args:
        entry: of a platform that is up, half up or half removed.
        state: its state folder.
        made: the topmost folder that goes with it; None leaves the state folder.
    """
    record = entry.record()
    if record is not None:
        entry.write(replace(record, owner=myself()))
    _stop(entry)
    for name in OWN_NAMES:
        remove(state / name)
    if made is not None:
        remove(state / locks.NAME)
        _remove_empty(state, up_to=made)
    discard(entry)
    tidy()


def _stop(entry: Entry) -> None:
    """Stop every process of a platform, written down or not, frozen or not, at once."""
    postgres.end(entry)
    known_ones = {process.pid: process for process in entry.all_processes().values()}
    found = known_ones | {process.pid: process for process in strays(entry.id)}
    for process in found.values():
        for one in process.children():
            one.signal(signal.SIGCONT)
    stop(list(found.values()), within=STOP_WITHIN_SECONDS)
    release_memory(entry.postgres_data)


def _topmost_missing(folder: Path) -> Path | None:
    """The first of a folder and its parents, from the top, that is not there."""
    return next((one for one in (*reversed(folder.parents), folder) if not one.exists()), None)


def _remove_empty(folder: Path, *, up_to: Path) -> None:
    """Remove a folder and its parents up to one of them, as far as they are empty."""
    above = [one for one in folder.parents if one.is_relative_to(up_to)]
    for one in (folder, *above):
        try:
            one.rmdir()
        except FileNotFoundError:  # somebody removed it by hand
            continue
        except OSError:  # not empty
            return


def _refuse_others_files(state: Path) -> None:
    for name in OWN_NAMES:
        if (state / name).exists():
            raise BadState(f"{state} holds {name}, which no platform made: choose another --state folder")
