"""Faults of the reference platform, as data: a table for each area, made of a few verbs."""

from __future__ import annotations

from difflib import get_close_matches

from reference_platform.faults import (
    backups,
    cache,
    configuration,
    database,
    deployment,
    health,
    incident,
    maintenance,
    onboarding,
    records,
    running,
    smoke,
)
from reference_platform.faults.applying import PartAbsent, break_, broken_keys, mend
from reference_platform.faults.model import Fault, Verb

__all__ = [
    "FAULTS",
    "TABLES",
    "Fault",
    "PartAbsent",
    "UnknownFault",
    "Verb",
    "break_",
    "broken_keys",
    "fault",
    "mend",
]

TABLES: tuple[tuple[Fault, ...], ...] = (
    health.FAULTS,
    configuration.FAULTS,
    database.FAULTS,
    cache.FAULTS,
    smoke.FAULTS,
    running.FAULTS,
    deployment.FAULTS,
    maintenance.FAULTS,
    records.FAULTS,
    incident.FAULTS,
    onboarding.FAULTS,
    backups.FAULTS,
)
"""A table for each area."""

FAULTS: dict[str, Fault] = {one.key: one for table in TABLES for one in table}
"""Every fault, by its key."""


class UnknownFault(Exception):
    """There is no such fault; the text names the nearest."""


def fault(named: str) -> Fault:
    """The fault of a key, or the first of a check's id.

    Raises:
        UnknownFault: there is none.
    """
    found = FAULTS.get(named) or next((one for one in FAULTS.values() if one.check == named), None)
    if found is None:
        near = get_close_matches(named, FAULTS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`faults` lists them"
        raise UnknownFault(f"unknown fault {named!r} ({hint})")
    return found
