"""What people have on record around a deployment: the way back, who was told, what was reviewed after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from opsverify.environment import Environment, RecordsTable, end_of
from opsverify.evidence import Evidence, one_line
from opsverify.git import Repository, repository
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.moments import utc
from opsverify.records import Attestation, Book, Kept, Release, book, coming, running

PLAN = "rollback plan"
NOTICE = "on-call notified"
DASHBOARDS = "dashboards reviewed"
FLOWS = "key flows verified"


@dataclass(frozen=True, kw_only=True)
class WayBack(Snapshot):
    """How a release is taken back: the plan, and what is gone back to."""

    missing: tuple[str, ...]
    """`rollback plan: not on record for release v1.2.0`; `v1.1.0: there is no tag v1.1.0 in repository`."""


@dataclass(frozen=True, kw_only=True)
class Told(Snapshot):
    """Whether on-call was told of the window of the deployment to come."""

    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reviewed(Snapshot):
    """Whether people had a look after a deployment, and in time."""

    missing: tuple[str, ...]
    """`dashboards reviewed: not on record for release v1.1.0 (may follow until 2026-11-24 16:00 UTC)`."""


def way_back(environment: Environment, records: RecordsTable) -> WayBack:
    """See the rollback plan of a release, and whether the release before it is still there.

    Raises:
        CouldNotLook: records or repository cannot be read, or nothing says which release is meant.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    before_rollback = environment.asked.stage == "pre_rollback"
    release = running(environment, now) if before_rollback else coming(environment, now)
    plan = pages.proof(PLAN, now, release=release.name)
    missing = [] if plan.missing is None else [plan.missing]
    seen = [] if plan.kept is None else [plan.kept.evidence]
    if release.previous is None:
        missing.append(f"{_named(release)}: no record names the release to go back to")
    else:
        try:
            lacking, looked_at = _lacking(environment, release.previous, now)
        except CouldNotLook:
            if not missing:  # what is known to be missing is said first
                raise
        else:
            missing += lacking
            seen.append(looked_at)
    return WayBack(
        where=f"release {_named(release)}",
        missing=tuple(missing),
        record=None if plan.kept is None else str(plan.kept),
        evidence=tuple(seen),
    )


def told(environment: Environment, records: RecordsTable) -> Told:
    """See whether it is on record that on-call was told of the window of the deployment to come.

    Raises:
        CouldNotLook: the records cannot be read, or no deployment is planned.
    """
    now = datetime.now(UTC)
    release = coming(environment, now)
    where = f"release {_named(release)}"
    if release.deployment is None:
        return Told(where=where, missing=(f"{_named(release)}: its deployment is not planned on record",))
    planned = release.deployment
    if planned.record.window is None:
        return Told(
            where=where,
            missing=(f"{_named(release)}: {planned.file} names no window",),
            evidence=(planned.evidence,),
        )
    proof = book(environment).proof(NOTICE, now, window=planned.record.window)
    return Told(
        where=where,
        missing=() if proof.missing is None else (proof.missing,),
        record=None if proof.kept is None else str(proof.kept),
        evidence=(planned.evidence, *([proof.kept.evidence] if proof.kept else [])),
    )


def dashboards(environment: Environment, records: RecordsTable) -> Reviewed:
    """See whether the dashboards were reviewed after the deployment.

    Raises:
        CouldNotLook: the records cannot be read, or nothing says which release runs.
    """
    return _reviewed(environment, records, DASHBOARDS)


def flows(environment: Environment, records: RecordsTable) -> Reviewed:
    """See whether somebody went through the key flows after the deployment; raises as `dashboards`."""
    return _reviewed(environment, records, FLOWS)


def in_time(
    proofs: list[Kept[Attestation]], ended: datetime | None, allowed: timedelta | None
) -> tuple[Kept[Attestation] | None, str | None]:
    """The first review after a deployment that was made in time, or why there is none.

    Args:
        proofs: reviews of the release that count, the newest first; at least one.
        ended: when the deployment ended; None: not known, and any review is in time.
        allowed: how long after it a review may follow; None: as long as it takes.
    """
    if ended is None:
        return proofs[0], None
    after = [one for one in reversed(proofs) if one.record.when >= ended]
    if not after:
        newest = proofs[0]
        why = f"was before the deployment ended ({utc(newest.record.when)}, {utc(ended)})"
        return None, f"{newest.record.what} ({newest.file}): {why}"
    first = after[0]
    if allowed is None or first.record.when <= ended + allowed:
        return first, None
    why = f"too late ({utc(first.record.when)}, was to follow until {utc(ended + allowed)})"
    return None, f"{first.record.what} ({first.file}): {why}"


def _reviewed(environment: Environment, records: RecordsTable, what: str) -> Reviewed:
    now = datetime.now(UTC)
    pages = book(environment)
    release = running(environment, now)
    ended = release.deployment.record.ended if release.deployment else None
    hours = records.reviews_follow_within_hours
    allowed = None if hours is None else timedelta(hours=hours)
    proofs = pages.proofs(what, now, release=release.name)
    if proofs:
        kept, missing = in_time(proofs, ended, allowed)
    else:
        kept, missing = None, _not_there(pages, what, release, now, ended, allowed)
    return Reviewed(
        where=f"release {_named(release)}",
        missing=() if missing is None else (missing,),
        record=None if kept is None else str(kept),
        evidence=tuple(one.evidence for one in proofs[:1]),
    )


def _not_there(
    pages: Book,
    what: str,
    release: Release,
    now: datetime,
    ended: datetime | None,
    allowed: timedelta | None,
) -> str | None:
    missing = pages.proof(what, now, release=release.name).missing
    if missing is None or ended is None or allowed is None:
        return missing
    until = ended + allowed
    return f"{missing} ({'may follow' if now <= until else 'was to follow'} until {utc(until)})"


def _lacking(environment: Environment, previous: str, now: datetime) -> tuple[list[str], Evidence]:
    """Where the release to go back to has no tag, and what was looked at.

    Raises:
        CouldNotLook: no repository is declared, or it says nothing of tags.
    """
    table = environment.git
    if table is None:
        gaps = [gap for gap in environment.gaps if gap.without == "git" and now < end_of(gap.until)]
        if gaps:
            return [], Evidence("release to go back to", f"{previous}: no tag looked at: {gaps[0].reason}")
        why = f"no repository says whether {one_line(previous)} is still there"
        raise CouldNotLook("git", why, remedy="Declare [git], or a gap: without = 'git'.")
    tag = table.tag.replace("{release}", previous)
    found = repository(environment)
    places = _without(found, tag, table.remote)
    lacking = [f"{one_line(previous)}: there is no tag {one_line(tag)} {place}" for place in places]
    beside = f" and on {table.remote}" if table.remote else ""
    return lacking, Evidence("release to go back to", f"{previous}: tag {tag}, in {found.where}{beside}")


def _without(found: Repository, tag: str, remote: str | Literal[False]) -> list[str]:
    """The places of two that lack the tag. A clone that is cut off, or has none, leaves it to its remote."""
    knows = found.has_tags() and not found.shallow
    places = [f"in {found.where}"] if knows and found.tag(tag) is None else []
    if remote is False:
        if not knows:
            why = (
                f"{found.where} has no tags" if not found.has_tags() else f"{found.where} is a shallow clone"
            )
            raise CouldNotLook("git", why, remedy="Fetch them: git fetch --unshallow --tags.")
    elif found.remote_tag(remote, tag) is None:
        places.append(f"on {one_line(remote)}")
    return places


def _named(release: Release) -> str:
    return one_line(release.name)
