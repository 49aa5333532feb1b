"""What users met while a deployment ran, by the recorder that was on meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsverify.environment import Environment, RecordsTable
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.moments import between
from opsverify.records import Availability, Deployment, Kept, book, running

AT_LEAST_SENT = 0.9
"""Of the requests that a recording should hold by its length: a recorder that lost more was starved."""


@dataclass(frozen=True, kw_only=True)
class Downtime(Snapshot):
    """Requests that failed while the newest deployment ran."""

    unrecorded: tuple[str, ...]
    """That no recording covers the deployment."""
    failed: int
    failures: tuple[str, ...]
    """What failed, each sort with its times and span."""


def downtime(environment: Environment, records: RecordsTable) -> Downtime:
    """Find the recording that covers the newest deployment, from its start to its end.

    Raises:
        CouldNotLook: no deployment is on record, or the recorder could not ask as often as it should.
    """
    now = datetime.now(UTC)
    release = running(environment, now)
    if release.deployment is None:
        raise CouldNotLook(records.name, f"no deployment of {release.name} is on record")
    deployment = release.deployment.record
    pages = book(environment)
    known = pages.of(Availability)
    covering = [
        one for one in known if _covers(one.record, deployment) and _asked_ours(environment, one.record)
    ]
    counting = [one for one in covering if pages.flaw(one, now) is None]
    if not counting:
        return Downtime(
            where="records",
            unrecorded=(_why_none(deployment, [f"{one.file}: {pages.flaw(one, now)}" for one in covering]),),
            failed=0,
            failures=(),
            evidence=(release.deployment.evidence, *(one.evidence for one in known[:3])),
        )
    worst = max(counting, key=lambda one: one.record.failed)
    _refuse_starved(worst)
    return Downtime(
        where="records",
        unrecorded=(),
        failed=worst.record.failed,
        failures=tuple(
            f"{one.times} × {one_line(one.why)} ({between(one.first, one.last)})"
            for one in worst.record.failures
        ),
        record=str(worst),
        evidence=(Evidence("deployment", release.deployment.evidence.text), worst.evidence),
    )


def _covers(recording: Availability, deployment: Deployment) -> bool:
    if deployment.started is None or deployment.ended is None:
        return False
    own = recording.release in (None, deployment.release)
    return own and recording.started <= deployment.started and recording.ended >= deployment.ended


def _asked_ours(environment: Environment, recording: Availability) -> bool:
    """Whether it asked any service of this environment: that another one answered shows nothing."""
    ours = {
        address
        for service in environment.services
        for address in (service.url, service.public_url, *service.replicas)
        if address is not None
    }
    return not ours or any(url.startswith(tuple(ours)) for url in recording.urls)


def _refuse_starved(kept: Kept[Availability]) -> None:
    """A recording that is too thin shows nothing.

    Raises:
        CouldNotLook: it is.
    """
    record = kept.record
    beats = (record.ended - record.started).total_seconds() / record.every_seconds
    wanted = int(beats * AT_LEAST_SENT) * len(record.urls)
    if record.asked < max(1, wanted):
        why = f"the recorder sent {record.asked} of the {wanted} requests that its time should hold"
        raise CouldNotLook("records", why, evidence=(kept.evidence,))


def _why_none(deployment: Deployment, flawed: list[str]) -> str:
    started, ended = deployment.started or deployment.when, deployment.ended or deployment.when
    during = between(started, ended)
    found = f" that counts ({flawed[0]})" if flawed else ""
    return f"no recording{found} covers the deployment of {one_line(deployment.release)} ({during})"
