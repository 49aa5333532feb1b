"""Tables of the stores' inner state: expected roles, where the pooler is asked, what is cached how long."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from opsverify.environment.base import Positive, Table, VariableName, Words


class Roles(Table):
    """Which roles the database server is expected to have. What is not declared is not judged."""

    superusers: tuple[Words, ...] | None = None
    """Exactly these."""
    login: tuple[Words, ...] | None = None
    """Exactly these can log in, superusers among them."""
    members: dict[Words, tuple[Words, ...]] = Field(default_factory=dict)
    """By role: exactly these are its members."""
    owners: tuple[Words, ...] | None = None
    """Nobody else owns tables, views, sequences or functions of the database, or the database."""

    @property
    def declared(self) -> bool:
        """Whether anything is expected."""
        return bool(self.members) or any(
            one is not None for one in (self.superusers, self.login, self.owners)
        )


class PgBouncer(Table):
    """The connection pooler before PostgreSQL."""

    dsn_from: VariableName
    """Name of the variable with the connection string of its admin console (database `pgbouncer`), for a
    user of its `stats_users`."""
    host: str | None = None
    """Guard: a connection string that points elsewhere is not connected to."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "pgbouncer"

    @property
    def database(self) -> str:
        """Its admin console; the variable may point at nothing else."""
        return "pgbouncer"


class CachedKeys(Table):
    """How long keys of one kind may live."""

    pattern: Annotated[str, Field(min_length=1)]
    """As Redis matches it: `profile:*`."""
    ttl_at_most_seconds: Positive


RUNBOOK_KEYS = (
    CachedKeys(pattern="taxonomy:*", ttl_at_most_seconds=60 * 60),
    CachedKeys(pattern="profile:*", ttl_at_most_seconds=5 * 60),
    CachedKeys(pattern="search:*", ttl_at_most_seconds=15 * 60),
    CachedKeys(pattern="quota:*", ttl_at_most_seconds=31 * 24 * 60 * 60),
    CachedKeys(pattern="orchestrator:rate:*", ttl_at_most_seconds=31 * 24 * 60 * 60),
)
"""Runbook: caching-strategy, by the platform's names; a month of counters has up to 31 days."""
