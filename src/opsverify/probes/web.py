"""What an HTTP service says about itself: health, readiness, metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from opsverify.environment import Environment, Service
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes import http
from opsverify.probes.exposition import Exposition, read_exposition

IMPORTS = ("httpx", "opsverify.probes.bounded", "prometheus_client.parser")
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class Health(Snapshot):
    """The answer on the health path."""

    status: int | str
    """200, or what came instead: another status, `connection refused`, `no answer in 2 s`."""
    seconds: float

    def measures(self) -> dict[str, float]:
        """The time to a whole answer."""
        return {"answer_seconds": round(self.seconds, 4)} if self.status == 200 else {}


@dataclass(frozen=True, kw_only=True)
class Readiness(Snapshot):
    """The answer on the ready path."""

    status: int | str
    state: str
    """What the body says: `ready`, `degraded`; or that it says nothing of the kind."""


@dataclass(frozen=True, kw_only=True)
class Metrics(Snapshot):
    """One scrape of a metrics endpoint."""

    status: int | str
    defects: tuple[str, ...]
    """Why the body is no complete Prometheus exposition; empty when it is one."""
    samples: dict[str, float] = field(default_factory=dict, repr=False)
    """Sample by name and labels, as in the exposition: `up{job="api"}`."""


def health(environment: Environment, instance: Service) -> Health:
    """Ask the health path of a service, or of one replica of it, once, within its time limit."""
    exchange = http.get(
        instance.address(instance.health),
        within=environment.limits.health_at_most_seconds,
        ca=environment.path(instance.ca),
    )
    return Health(
        where=exchange.url,
        status=exchange.answer,
        seconds=exchange.seconds,
        evidence=(exchange.evidence,),
        unreachable=exchange.unreachable,
    )


def readiness(environment: Environment, service_with_ready: Service) -> Readiness:
    """Ask a service's ready path once, within its time limit."""
    service = service_with_ready
    exchange = http.get(
        service.address(service.ready),
        within=environment.limits.ready_at_most_seconds,
        ca=environment.path(service.ca),
    )
    return Readiness(
        where=exchange.url,
        status=exchange.answer,
        state=_state_in(exchange.body),
        evidence=(exchange.evidence,),
        unreachable=exchange.unreachable,
    )


def metrics(environment: Environment, service_with_metrics: Service) -> Metrics:
    """Scrape a service's metrics endpoint once.

    Raises:
        CouldNotLook: there was no answer at all.
    """
    service = service_with_metrics
    exchange = scrape(environment, service)
    if exchange.unreachable is not None:
        raise CouldNotLook(service.name, exchange.unreachable, evidence=(exchange.evidence,))
    exposition = exposed(environment, service)
    return Metrics(
        where=exchange.url,
        status=exchange.answer,
        defects=exposition.defects,
        samples=exposition.samples,
        evidence=(exchange.evidence,),
    )


def scrape(environment: Environment, service: Service) -> http.Exchange:
    """One scrape of a service's metrics, for all looks that need it."""
    url = service.address(service.metrics)
    within = environment.limits.metrics_at_most_seconds
    ca = environment.path(service.ca)
    return environment.once(f"scrape {url}", lambda: http.get(url, within=within, ca=ca))


def exposed(environment: Environment, service: Service) -> Exposition:
    """What that scrape holds, read once."""
    exchange = scrape(environment, service)
    return environment.once(f"exposition {exchange.url}", lambda: read_exposition(exchange.body))


def _state_in(body: bytes) -> str:
    if not body:
        return "an empty body"
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # also bytes that are not UTF-8, and a hundred thousand brackets
        return "no JSON"
    state = answer.get("status") if isinstance(answer, dict) else None
    return one_line(state) if isinstance(state, str) else "no status in the body"
