"""How services stand to what they need and to the world: public address, readiness's truth, worker, model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from opsverify.environment import Environment, Llm, Service
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes import http, postgres, redis
from opsverify.probes.web import Readiness, readiness

IMPORTS = ("httpx", "opsverify.probes.bounded", "psycopg", "redis")
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class Front(Snapshot):
    """The health path asked at a service's public address, beside the internal one."""

    answer: str
    """Status and kind of body, or why there was none: `200 {status=ok}`."""
    internal_answer: str


@dataclass(frozen=True, kw_only=True)
class Truth(Snapshot):
    """Whether a service says ready while something it needs does not answer."""

    ready_without: tuple[str, ...]
    """What did not answer, before and after the service said that it was ready."""


@dataclass(frozen=True, kw_only=True)
class Worker(Snapshot):
    """What the orchestrator says of its worker."""

    state: str
    """`running`, `disabled`, or that it says nothing."""


@dataclass(frozen=True, kw_only=True)
class Model(Snapshot):
    """The answer at the local language model's address."""

    status: int | str


def front(environment: Environment, service_with_public_url: Service) -> Front:
    """Ask the health path at the public address and at the internal one.

    Raises:
        CouldNotLook: the internal one does not answer well, so there is nothing to compare with.
    """
    service = service_with_public_url
    within = environment.limits.health_at_most_seconds
    ca = environment.path(service.ca)
    inside = http.get(service.address(service.health), within=within, ca=ca)
    if inside.answer != 200:
        why = inside.unreachable or f"its internal address answers {inside.answer}"
        raise CouldNotLook(service.name, why, evidence=(inside.evidence,))
    public = service.model_copy(update={"url": service.public_url})
    outside = http.get(public.address(service.health), within=within, ca=ca)
    return Front(
        where=outside.url,
        answer=_shape(outside),
        internal_answer=_shape(inside),
        evidence=(outside.evidence, inside.evidence),
        unreachable=outside.unreachable,
    )


def truth(environment: Environment, service_with_ready: Service) -> Truth:
    """Ask what a service needs, then whether it is ready, then again what was silent.

    Raises:
        CouldNotLook: the service itself does not answer.
    """
    service = service_with_ready
    silent = [need for need in service.needs if not _answers(environment, need)]
    said = readiness(environment, service)
    if said.unreachable is not None:
        raise CouldNotLook(service.name, said.unreachable, evidence=said.evidence)
    without = [need for need in silent if _claims(said) and not _answers(environment, need)]
    return Truth(where=said.where, ready_without=tuple(without), evidence=said.evidence)


def worker(environment: Environment, orchestrator: Service) -> Worker:
    """Ask the orchestrator's health path what its worker does.

    Raises:
        CouldNotLook: the orchestrator does not answer.
    """
    within = environment.limits.health_at_most_seconds
    ca = environment.path(orchestrator.ca)
    exchange = http.get(orchestrator.address(orchestrator.health), within=within, ca=ca)
    if exchange.unreachable is not None:
        raise CouldNotLook(orchestrator.name, exchange.unreachable, evidence=(exchange.evidence,))
    said = _object_in(exchange.body).get("worker")
    return Worker(
        where=exchange.url,
        state=one_line(said) if isinstance(said, str) else "nothing about a worker",
        evidence=(exchange.evidence,),
    )


def model(environment: Environment, llm: Llm) -> Model:
    """Ask the language model's address once."""
    exchange = http.get(llm.url, within=environment.limits.llm_answer_at_most_seconds)
    return Model(
        where=exchange.url,
        status=exchange.answer,
        evidence=(exchange.evidence,),
        unreachable=exchange.unreachable,
    )


def _claims(said: Readiness) -> bool:
    return said.status == 200 and said.state == "ready"


def _answers(environment: Environment, need: str) -> bool:
    """Whether a noun that a service needs answers; one that is not declared counts as yes."""
    if need == "postgres" and environment.postgres is not None:
        why = postgres.connection(environment, environment.postgres).unreachable
        return why is None or "SQLSTATE" in why  # it refuses this session, others may have theirs
    if need == "redis" and environment.redis is not None:
        return redis.ping(environment, environment.redis).unreachable in (None, redis.PASSWORD_REFUSED)
    for service in environment.services:
        if service.name == need and service.health:
            within = environment.limits.health_at_most_seconds
            return http.get(service.address(service.health), within=within).answer == 200
    return True


def _shape(exchange: http.Exchange) -> str:
    """What an answer is like, without what changes from one to the next."""
    said = _object_in(exchange.body)
    state = f"status={one_line(said['status'])}, " if isinstance(said.get("status"), str) else ""
    keys = ", ".join(sorted(one_line(key, at_most=40) for key in said if key != "status")[:20])
    body = f" {{{(state + keys).rstrip(', ')}}}" if said else ""
    return f"{exchange.answer}{body}"


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):  # also bytes that are not UTF-8
        return {}
    return said if isinstance(said, dict) else {}
