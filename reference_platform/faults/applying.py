"""Breaking a platform that is up, and mending it again, also from another process."""

from __future__ import annotations

import json
from pathlib import Path

from reference_platform import launching
from reference_platform.faults.model import Fault
from reference_platform.registry import write_at_once
from reference_platform.state import Platform, locked


class PartAbsent(Exception):
    """The platform was brought up without a part that the fault needs."""


def break_(platform: Platform, fault: Fault) -> bool:
    """Make a platform sick. Returns when it can be seen.

    Returns:
        False when it has this fault already.

    Raises:
        PartAbsent: the platform lacks a part; nothing was done.
        NotInTime, Failed: the effect did not come about. It is written down, `mend` undoes it.
    """
    absent = fault.parts - set(platform.settings.parts)
    if absent:
        names = ", ".join(sorted(absent))
        raise PartAbsent(f"{fault.key} needs a platform brought up with --with={names}")
    with locked(platform.state):
        broken = broken_keys(platform)
        if fault.key in broken:
            return False
        _write(platform, [*broken, fault.key])  # first, so that one cut off can be mended
        fault.verb.do(platform)
    return True


def mend(platform: Platform, *faults: Fault) -> list[str]:
    """Undo faults, the latest first. Returns when the platform says what it said before.

    Args:
        platform: a platform that is up.
        faults: those to undo; none means all that it has.

    Returns:
        The keys of those undone.

    Raises:
        NotInTime, Failed: the platform did not get well.
    """
    from reference_platform.faults import fault as find

    with locked(platform.state):
        broken = broken_keys(platform)
        wanted = {fault.key for fault in faults} if faults else set(broken)
        undone = [key for key in reversed(broken) if key in wanted]
        for key in undone:
            find(key).verb.undo(platform)
            broken.remove(key)
            _write(platform, broken)
        if undone and not broken:
            launching.wait(platform)
    return undone


def broken_keys(platform: Platform) -> list[str]:
    """The faults that a platform has, in the order in which they were made."""
    try:
        found: list[str] = json.loads(_file(platform).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return found


def _write(platform: Platform, keys: list[str]) -> None:
    if keys:
        write_at_once(_file(platform), json.dumps(keys))
    else:
        _file(platform).unlink(missing_ok=True)


def _file(platform: Platform) -> Path:
    return platform.state / "broken.json"
