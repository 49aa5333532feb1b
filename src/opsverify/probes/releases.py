"""Which release runs, and since when: versions that services say, and the start of their processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from opsverify.dotted import NotThere, document_of, value_at
from opsverify.environment import Environment, Service
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.moments import between, utc
from opsverify.probes import http
from opsverify.probes.web import exposed, scrape
from opsverify.records import Attestation, Deployment, Release, book, running
from opsverify.sources import read_image

IMPORTS = ("httpx", "opsverify.probes.bounded", "prometheus_client.parser", "yaml")
"""What is imported before the looks start, and not in their threads."""

FLOATING = frozenset({"latest", "main", "master", "head", "edge", "dev", "nightly", "stable"})
"""Tags that mean another image tomorrow."""
STARTED_AT = "process_start_time_seconds"
"""Prometheus' own name for it; a service may have a prefix before it, or another in its `metrics_names`."""
TO_A_SECOND = timedelta(seconds=1)
"""How exactly a process's start is known: the kernel counts from a boot time in whole seconds, cut off."""
WRITTEN_DOWN_WITHIN = timedelta(minutes=15)
"""How long after a restart its record may be made."""


@dataclass(frozen=True, kw_only=True)
class Version(Snapshot):
    """The release that a service, or one replica of it, says it is of."""

    release: str
    deployed: str
    """The release that runs by the records."""
    floating: tuple[str, ...]
    """The release, when it is a name that means something else tomorrow."""


@dataclass(frozen=True, kw_only=True)
class Start(Snapshot):
    """When a service's process started, and why, as far as that is on record."""

    unrecorded: tuple[str, ...]
    """That it started outside a recorded deployment or restart, and when."""


def version(environment: Environment, instance_with_version: Service) -> Version:
    """Find which release a service is of, by its version path or else by its image, and which should run.

    Raises:
        CouldNotLook: it does not answer, says no version, or no record says what was deployed.
    """
    service = instance_with_version
    deployed = running(environment)
    if service.version is None:
        return _version_of_image(environment, service, deployed)
    exchange = http.get(
        service.address(service.version),
        within=environment.limits.health_at_most_seconds,
        ca=environment.path(service.ca),
    )
    if exchange.unreachable is not None:
        raise CouldNotLook(service.name, exchange.unreachable, evidence=(exchange.evidence,))
    said = _at(exchange.body, service.version_field)
    if exchange.answer != 200 or said is None:
        why = f"its version path answers {exchange.answer} without {service.version_field}"
        raise CouldNotLook(service.name, why, evidence=(exchange.evidence,))
    return _version(exchange.url, said, deployed, exchange.evidence)


def _version_of_image(environment: Environment, service: Service, deployed: Release) -> Version:
    compose = environment.compose
    if compose is None:  # the subject says so before a probe is asked
        raise CouldNotLook(service.name, "nothing says which release it is of")
    file = environment.beside(compose.file)
    name = compose.services.get(service.name, service.name)
    try:
        image = read_image(file, name)
    except (OSError, ValueError, KeyError):
        raise CouldNotLook("compose", f"the service {name} cannot be read from {file.name}") from None
    if image is None:
        raise CouldNotLook(service.name, f"{file.name} names no image for it: it is built where it runs")
    repository, _, digest = image.partition("@")
    _, colon, tag = repository.rpartition(":")
    said = tag if colon and "/" not in tag else ("" if digest else "latest")
    if not said:
        why = f"{file.name} pins it by digest only, which names no release"
        raise CouldNotLook(service.name, why, remedy="Write the tag beside the digest: image:v1.2.3@sha256:…")
    return _version(file.name, said, deployed, Evidence(f"image in {file.name}", one_line(image)))


def _version(where: str, said: str, deployed: Release, evidence: Evidence) -> Version:
    return Version(
        where=where,
        release=one_line(said),
        deployed=deployed.name,
        floating=tuple(one_line(name) for name in (said,) if name.casefold() in FLOATING),
        record=str(deployed.deployment) if deployed.deployment else None,
        evidence=(evidence, *((deployed.deployment.evidence,) if deployed.deployment else ())),
    )


def start(environment: Environment, instance_with_metrics: Service) -> Start:
    """Find when a service's process started, and hold it against deployments and restarts on record.

    Raises:
        CouldNotLook: it does not answer or does not say, or the records cannot be read.
    """
    service = instance_with_metrics
    exchange = scrape(environment, service)
    started = process_started(environment, service)
    skew = _skew(exchange)
    pages = book(environment)
    now = datetime.now(UTC)
    spans = [
        (one.record.started - TO_A_SECOND - skew, one.record.ended + skew)
        for one in pages.counting(Deployment, now)
        if one.record.started and one.record.ended
    ]
    spans += [
        (one.record.when - WRITTEN_DOWN_WITHIN - skew, one.record.when + skew)
        for one in pages.counting(Attestation, now)
        if one.record.what == "restart" and one.record.service in (None, service.name.partition(".")[0])
    ]
    recorded = any(begin <= started <= end for begin, end in spans)
    said = utc(started, seconds=True)
    shown = "\n".join(between(begin, end) for begin, end in spans)
    return Start(
        where=exchange.url,
        unrecorded=() if recorded else (f"started at {said}, which nothing on record explains",),
        evidence=(Evidence("process start", f"started {said}\n\non record:\n{shown or 'nothing'}"),),
    )


def process_started(environment: Environment, service: Service) -> datetime:
    """When a service's process started, by its metrics.

    Raises:
        CouldNotLook: it does not answer, or does not say.
    """
    exchange = scrape(environment, service)
    if exchange.unreachable is not None:
        raise CouldNotLook(service.name, exchange.unreachable, evidence=(exchange.evidence,))
    samples = exposed(environment, service).samples
    name = service.metrics_names.get(STARTED_AT)
    found = [
        seconds
        for series, seconds in samples.items()
        if series == name or (not name and series.endswith(STARTED_AT))
    ]
    if not found or not 0 < found[0] < 1e11:
        why = f"its metrics have no {name or STARTED_AT}"
        raise CouldNotLook(service.name, why, evidence=(exchange.evidence,))
    return datetime.fromtimestamp(found[0], UTC)


def _skew(exchange: http.Exchange) -> timedelta:
    """How far the service's clock is from ours, where it is more than the second that its header has."""
    date = next((value for name, value in exchange.headers if name.lower() == "date"), None)
    try:
        away = abs(datetime.now(UTC) - parsedate_to_datetime(date or ""))
    except (TypeError, ValueError):  # it says none, or none that can be read
        return timedelta(0)
    return away if timedelta(seconds=2) < away < timedelta(hours=1) else timedelta(0)


def _at(body: bytes, field: str) -> str | None:
    try:
        found = value_at(document_of(body), field)
    except (ValueError, NotThere):
        return None
    return found if isinstance(found, str) and found else None
