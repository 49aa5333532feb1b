"""How many connections there are, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass

from opsverify.environment import Environment, Postgres
from opsverify.evidence import Evidence, one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.database.asking import Answers, answers

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class Connections(Snapshot):
    """The connections of the server, of all states."""

    used_percent: float
    """Of those that others than superusers can have."""
    crowded: tuple[str, ...]
    """Roles and databases with a limit of their own that are near it."""

    def measures(self) -> dict[str, float]:
        """The share, for the history."""
        return {"connections_percent": self.used_percent}


@dataclass(frozen=True, kw_only=True)
class Ceilings(Snapshot):
    """All pools at their ceiling beside what the server allows."""

    pools: int
    """Connections when every service runs as many replicas as it may and each pool is full."""
    allowed: int
    """By the server; by the role's or the database's own limit where that is smaller."""


def connections(environment: Environment, postgres: Postgres) -> Connections:
    """Count the connections. One refused because no slot is left is an answer too.

    Raises:
        CouldNotLook: the server did not answer, or does not show other roles' sessions.
    """
    seen = answers(environment, postgres)
    if seen.full:
        return Connections(
            where=seen.where,
            used_percent=100,
            crowded=(),
            evidence=(Evidence("connect", f"{seen.where}\n\n{seen.trouble}"),),
        )
    counted = seen.rows("connections", of_all=True)[0]
    limit = environment.limits.connections_at_most_percent
    crowded = [
        Finding(
            f"{row['kind']} {one_line(row['name'])}: {row['used']} of {row['at_most']} connections"
            f" (expected under {limit:g} %)",
            about=row["name"],
        )
        for row in seen.rows("ceilings")
        if row["used"] and row["used"] * 100 >= limit * row["at_most"]
    ]
    return Connections(
        where=seen.where,
        used_percent=round(100 * counted["used"] / _allowed(seen), 1),
        crowded=tuple(crowded),
        evidence=seen.evidence("connections", "holders", "ceilings", "settings"),
    )


def ceilings(environment: Environment, postgres: Postgres) -> Ceilings:
    """Add up the pools that the services may open.

    Raises:
        CouldNotLook: no service says how large its pool is, or the server did not answer.
    """
    pools = [
        (service.name, service.replicas_at_most, service.pool)
        for service in environment.services
        if service.pool is not None
    ]
    if not pools:
        raise CouldNotLook(
            "postgres",
            "no service says how large its pool is",
            remedy="Set pool and replicas_at_most of each service that connects to it.",
        )
    seen = answers(environment, postgres)
    limits = [("the server", _allowed(seen))]
    limits += [
        (f"{row['kind']} {one_line(row['name'])}", row["at_most"])
        for row in seen.rows("ceilings")
        if row["login"]
    ]
    wanted = sum(replicas * pool for _, replicas, pool in pools)
    lines = [f"{name}: {replicas} replicas × {pool} = {replicas * pool}" for name, replicas, pool in pools]
    lines += [f"{who} allows {number}" for who, number in limits]
    return Ceilings(
        where=seen.where,
        pools=wanted,
        allowed=min(number for _, number in limits),
        evidence=(Evidence("pools", "\n".join(lines)), *seen.evidence("settings", "ceilings")),
    )


def _allowed(seen: Answers) -> int:
    """Connections of the server that others than superusers can have; 16 brought a second reserve."""
    settings = {row["name"]: row["setting"] for row in seen.rows("settings")}
    reserved = int(settings.get("reserved_connections", 0))
    return (
        int(seen.setting("max_connections")) - int(seen.setting("superuser_reserved_connections")) - reserved
    )
