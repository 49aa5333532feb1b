"""What the database has of a release's migrations, and what is known of those to come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from opsverify.environment import Environment, Git
from opsverify.evidence import Evidence, harmless
from opsverify.git import repository
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.migrations import (
    FETCH,
    Migration,
    Row,
    State,
    commit_of,
    migrations_of,
    state_of,
    tag_of,
)
from opsverify.probes.releases import process_started
from opsverify.records import Book, Kept, Release, Review, book, coming, running

IMPORTS = ("psycopg", "httpx", "opsverify.probes.bounded", "prometheus_client.parser")
"""What is imported before the looks start, and not in their threads."""

REVIEWED = "migrations"
"""What a review has to be of."""


@dataclass(frozen=True, kw_only=True)
class Applied(Snapshot):
    """The database's migrations, held against those of the release that runs."""

    missing: tuple[str, ...]
    """The release has them, the database has not."""
    unknown: tuple[str, ...]
    """The database has them, no release that it is about has."""
    failed: tuple[str, ...]
    disordered: tuple[str, ...]
    """Applied before one that comes before them."""
    late: tuple[str, ...]
    """Applied after a service had started."""


@dataclass(frozen=True, kw_only=True)
class Tagged(Snapshot):
    """The commit that was deployed, and those that the release's tag is on."""

    commit: str
    here: str
    """In the repository: a commit, or that there is no such tag."""
    remote: str
    """In its remote, likewise."""


@dataclass(frozen=True, kw_only=True)
class Reviewed(Snapshot):
    """The reviews of the migrations that are pending."""

    unreviewed: tuple[str, ...]
    """Those without a review of their present text, and why."""


def pending(environment: Environment) -> tuple[str, tuple[Migration, ...]]:
    """The commit of the release to come, and which of its migrations the database does not have.

    Raises:
        CouldNotLook: no release is to come, or git or the database does not answer.
    """
    commit = commit_of(environment, coming(environment))
    return commit, state_of(environment).pending(migrations_of(environment, commit))


def applied(environment: Environment, git_with_services: Git) -> Applied:
    """Hold the database's state table against the release that runs.

    Raises:
        CouldNotLook: what runs is not on record, or git, the database or a service's metrics do not say.
    """
    release = running(environment)
    commit = commit_of(environment, release)
    expected = migrations_of(environment, commit)
    state = state_of(environment)
    may_remain = _of_what_was_rolled_back(environment, release)
    missing = tuple(str(one) for one in state.pending(expected))
    unknown = tuple(str(row) for row in state.unknown(expected, may_remain))
    failed = tuple(str(row) for row in state.rows if row.failed)
    disordered = tuple(_disordered(state, expected))
    try:
        late = tuple(_late(environment, state))
    except CouldNotLook:
        if not (missing or unknown or failed or disordered):
            raise
        late = ()
    rows = "\n".join(f"{row.at or '–'}  {row}{'  failed' if row.failed else ''}" for row in state.rows)
    return Applied(
        where=f"{environment.migrations.table} against {release.name} {commit[:12]}",
        missing=missing,
        unknown=unknown,
        failed=failed,
        disordered=disordered,
        late=late,
        evidence=(
            Evidence(f"state table of {release.name}", harmless(rows) or "it is empty"),
            Evidence(f"migrations of {commit}", harmless("\n".join(map(str, expected))) or "it has none"),
        ),
    )


def tagged(environment: Environment, git: Git) -> Tagged:
    """See which commit the tag of the deployed release is on, here and in the remote.

    Raises:
        CouldNotLook: what was deployed is not on record, the tag is not here and history is cut off, or
            the remote does not answer.
    """
    release = running(environment)
    found = repository(environment)
    commit = commit_of(environment, release)
    tag = tag_of(environment, release.name)
    here = found.tag(tag)
    if here is None and found.shallow:
        raise CouldNotLook("git", f"{found.where} is a shallow clone without the tag {tag}", remedy=FETCH)
    absent = f"no tag {tag}" if found.has_tags() else "no tag at all"
    remote = commit if git.remote is False else found.remote_tag(git.remote, tag)
    elsewhere = remote or f"no tag {tag}"
    said = f"{tag}\ndeployed: {commit}\nhere: {here or absent}\nremote {git.remote}: {elsewhere}"
    return Tagged(
        where=f"{found.where} {tag}",
        commit=commit,
        here=here or absent,
        remote=elsewhere,
        evidence=(Evidence("tag", harmless(said)),),
    )


def reviewed(environment: Environment, git_with_database: Git) -> Reviewed:
    """Find a review on record for the present text of each pending migration.

    Raises:
        CouldNotLook: the records cannot be read, or what is pending cannot be told.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    commit, those = pending(environment)
    found = repository(environment)
    digests = {one: f"sha256:{hashlib.sha256(found.read(commit, one.path)).hexdigest()}" for one in those}
    named = {one: _reviews(pages, one.path) for one in those}
    found_for = {one: _review(pages, named[one], one.path, digests[one], now) for one in those}
    lines = [f"{one} {digests[one]}\n  {found_for[one]}" for one in those]
    counting = [str(review) for review in found_for.values() if isinstance(review, Kept)]
    return Reviewed(
        where=f"{git_with_database.repository} {commit[:12]}",
        unreviewed=tuple(f"{one}: {why}" for one, why in found_for.items() if isinstance(why, str)),
        record="; ".join(dict.fromkeys(counting)) or None,
        evidence=(
            Evidence(f"pending migrations of {commit}", harmless("\n".join(lines)) or "none is pending"),
            *(kept.evidence for reviews in named.values() for kept in reviews),
        ),
    )


def _of_what_was_rolled_back(environment: Environment, release: Release) -> tuple[Migration, ...]:
    """The migrations of the release that was taken back, whose schema may stay as it is."""
    if release.deployment is None or release.deployment.record.state != "rolled-back":
        return ()
    record = release.deployment.record
    taken_back = Release(record.release, record.commit, record.previous, release.deployment, None)
    return migrations_of(environment, commit_of(environment, taken_back))


def _disordered(state: State, expected: tuple[Migration, ...]) -> Iterator[str]:
    by_app: dict[str, list[Row]] = {}
    for one in expected:
        row = state.of(one)
        if row is not None and row.at is not None:
            by_app.setdefault(one.app, []).append(row)
    for rows in by_app.values():
        for before, after in pairwise(rows):
            if before.at is not None and after.at is not None and after.at < before.at:
                yield f"{after} before {before}"


def _late(environment: Environment, state: State) -> Iterator[str]:
    """The services whose process is older than the newest migration."""
    last = max((row for row in state.rows if row.at is not None), key=_at, default=None)
    if last is None or last.at is None:
        return
    instances = [one for service in environment.services if service.metrics for one in service.instances()]
    if not instances:
        raise CouldNotLook(
            "services", "none has metrics, so that nothing says when they started", remedy="Declare metrics."
        )
    slack = timedelta(seconds=environment.limits.clocks_differ_at_most_seconds)
    for instance in instances:
        ahead = last.at - process_started(environment, instance)
        if ahead > slack:
            yield f"{last} {ahead.total_seconds():.0f} s after {instance.name} had started"


def _at(row: Row) -> datetime:
    return row.at or datetime.min.replace(tzinfo=UTC)


def _reviews(pages: Book, path: str) -> list[Kept[Review]]:
    return [one for one in pages.of(Review) if one.record.what == REVIEWED and path in one.record.files]


def _review(
    pages: Book, reviews: list[Kept[Review]], path: str, digest: str, now: datetime
) -> Kept[Review] | str:
    """The review of a migration's present text, or why there is none."""
    why = "no review is on record"
    for one in reviews:
        flaw = pages.flaw(one, now)
        if flaw is not None:
            why = f"its review ({one.file}) does not count: {flaw}"
        elif one.record.files[path] == digest:
            return one
        else:
            why = f"the review on record is of another text ({one})"
    return why
