"""The feature flags of a release, as their service exports them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from opsverify.dotted import NotThere, document_of, value_at
from opsverify.environment import Environment, Flags
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.records import coming

EXPORT_AT_MOST_BYTES = 8 * 1024 * 1024
WHOLE = 100
"""Percent of a flag that is on for everybody."""


@dataclass(frozen=True, kw_only=True)
class Rollout(Snapshot):
    """How the flags of the release to come start."""

    wrong: tuple[str, ...]
    """`new-search is at 100 %`; `new-search is not in the export`."""


def rollout(environment: Environment, flags: Flags) -> Rollout:
    """See the flags of the release to come in the export.

    Raises:
        CouldNotLook: export or records cannot be read, or nothing says which release comes.
    """
    release = coming(environment, datetime.now(UTC))
    where = f"{flags.export.name}, release {one_line(release.name)}"
    if release.record is None:
        return Rollout(where=where, wrong=(f"{one_line(release.name)}: no record says which flags it has",))
    exported = _export(environment, flags)
    names = release.record.record.flags
    shown = "\n".join(f"{name}: {exported.get(name)!r}" for name in names) or "the release has no flags"
    return Rollout(
        where=where,
        wrong=wrong_ones(names, exported, flags),
        record=str(release.record),
        evidence=(release.record.evidence, Evidence("its flags in the export", harmless(shown))),
    )


def wrong_ones(names: Iterable[str], exported: dict[str, object], flags: Flags) -> tuple[str, ...]:
    """What is wrong with each of these flags.

    Args:
        names: of the flags.
        exported: all flags by name.
        flags: says where owner and percent of one stand.
    """
    found = []
    for name in dict.fromkeys(names):
        if name not in exported:
            found.append(f"{one_line(name)} is not in the export")
            continue
        found += [f"{one_line(name)} {why}" for why in _wrong(exported[name], flags)]
    return tuple(found)


def _wrong(flag: object, flags: Flags) -> list[str]:
    if not isinstance(flag, dict):
        return [f"is no object with {flags.owner} and {flags.percent}"]
    found = []
    owner = flag.get(flags.owner)
    if not (isinstance(owner, str) and owner.strip()):
        found.append(f"has no owner ({flags.owner})")
    if flags.percent not in flag:
        found.append(f"has no {flags.percent}")
        return found
    percent = flag[flags.percent]
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= WHOLE:
        shown = repr(percent) if not (isinstance(percent, float) and math.isnan(percent)) else "no number"
        found.append(f"has {one_line(shown, at_most=40)} as {flags.percent}, expected a number from 0 to 100")
    elif percent == WHOLE:
        found.append(f"is at {WHOLE} %")
    return found


def _export(environment: Environment, flags: Flags) -> dict[str, object]:
    file = environment.beside(flags.export)
    try:
        with file.open("rb") as opened:
            text = opened.read(EXPORT_AT_MOST_BYTES + 1)
    except OSError as error:
        raise CouldNotLook(flags.name, f"the export {file.name} cannot be read: {error.strerror}") from None
    if len(text) > EXPORT_AT_MOST_BYTES:
        raise CouldNotLook(flags.name, f"the export {file.name} has more than {EXPORT_AT_MOST_BYTES:,} bytes")
    try:
        found = value_at(document_of(text), flags.at)
    except ValueError:
        raise CouldNotLook(flags.name, f"the export {file.name} is no JSON") from None
    except NotThere as error:
        raise CouldNotLook(
            flags.name, f"the export {file.name}: {error}", remedy="Correct [flags] at."
        ) from None
    if not isinstance(found, dict):
        what = f"at {flags.at} " if flags.at else ""
        raise CouldNotLook(flags.name, f"the export {file.name} {what}is no object of flags by name")
    return found
