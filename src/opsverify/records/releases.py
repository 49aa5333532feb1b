"""Which release is meant: the one that runs by the records, or the one to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsverify.environment import Environment
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook
from opsverify.records.book import Book, Kept, book
from opsverify.records.kinds import Deployment, ReleaseRecord

BEFORE_IT_COMES = frozenset({"pre_deploy", "pre_maintenance"})
"""Stages in which `--release` names the release to come; in the others it is the one that runs."""


@dataclass(frozen=True)
class Release:
    """A release as the records have it."""

    name: str
    commit: str | None
    """None: neither its deployment nor its own record says it; its tag may."""
    previous: str | None
    deployment: Kept[Deployment] | None
    record: Kept[ReleaseRecord] | None


def running(environment: Environment, now: datetime | None = None) -> Release:
    """The release that runs: of the newest deployment that was carried out, or the one asked for.

    Raises:
        CouldNotLook: no record says it, or the records cannot be read.
    """
    now = now or datetime.now(UTC)
    pages = book(environment)
    asked = environment.asked
    carried_out = [one for one in pages.counting(Deployment, now) if one.record.state in _CARRIED_OUT]
    carried_out.sort(key=lambda one: one.record.ended or one.record.when, reverse=True)
    if asked.release is not None and asked.stage is not None and asked.stage not in BEFORE_IT_COMES:
        own = [one for one in carried_out if one.record.running == asked.release]
        return _release(pages, asked.release, own[0] if own else None, now)
    if not carried_out:
        why = _none_counts(pages, "no deployment is on record", _CARRIED_OUT, now)
        raise CouldNotLook("records", why, remedy="Record it, or name the release with --release=R.")
    return _release(pages, carried_out[0].record.running, carried_out[0], now)


def coming(environment: Environment, now: datetime | None = None) -> Release:
    """The release to come: the one asked for before a deployment, or the newest that is planned.

    Raises:
        CouldNotLook: none is, or the records cannot be read.
    """
    now = now or datetime.now(UTC)
    pages = book(environment)
    planned = _planned(pages, now)
    asked = environment.asked
    if asked.release is not None and (asked.stage is None or asked.stage in BEFORE_IT_COMES):
        own = [one for one in planned if one.record.release == asked.release]
        return _release(pages, asked.release, own[0] if own else None, now)
    if not planned:
        why = _none_counts(pages, "no deployment is planned", _PLANNED, now)
        remedy = "Record it (state planned), or name the release with --release=R."
        raise CouldNotLook("records", why, remedy=remedy)
    return _release(pages, planned[0].record.release, planned[0], now)


def judged(environment: Environment) -> Release | None:
    """The release that a verdict is about, or None when nothing says which."""
    before = environment.asked.stage in BEFORE_IT_COMES
    try:
        return coming(environment) if before else running(environment)
    except CouldNotLook:
        return None


def _planned(pages: Book, now: datetime) -> list[Kept[Deployment]]:
    """Planned deployments that nothing has come of yet, the newest first."""
    found = pages.counting(Deployment, now)
    over = {(one.record.release, one.record.when) for one in found if one.record.state != "planned"}
    return [
        one
        for one in found
        if one.record.state == "planned"
        and not any(name == one.record.release and when >= one.record.when for name, when in over)
    ]


def _none_counts(pages: Book, why: str, states: frozenset[str], now: datetime) -> str:
    """Why there is none, with the newest that does not count by policy, or cannot be read."""
    for one in pages.of(Deployment):
        flaw = pages.flaw(one, now) if one.record.state in states else None
        if flaw is not None:
            return f"{why} that counts ({one_line(one.file)}: {flaw})"
    bad = pages.bad_of(Deployment)
    return f"{why} ({bad[0]})" if bad else why


def _release(pages: Book, name: str, deployment: Kept[Deployment] | None, now: datetime) -> Release:
    own = [one for one in pages.counting(ReleaseRecord, now) if one.record.release == name]
    record = own[0] if own else None
    of_deployment = deployment.record if deployment and deployment.record.release == name else None
    return Release(
        name,
        (of_deployment and of_deployment.commit) or (record.record.commit if record else None),
        (of_deployment and of_deployment.previous) or (record.record.previous if record else None),
        deployment,
        record,
    )


_CARRIED_OUT = frozenset({"deployed", "rolled-back"})
_PLANNED = frozenset({"planned"})
