"""A service's connection to Redis."""

from __future__ import annotations

import psycopg
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from reference_platform.services.database import NoSession

WITHIN_SECONDS = 0.7
"""Below what readiness waits, so that a hung server is an error here and not a wait there."""
WAITS_WITHIN_SECONDS = 3

AWAY = (NoSession, psycopg.OperationalError, redis.RedisError)
"""What is raised when PostgreSQL or Redis does not answer."""


def connect(url: str, name: str, *, waits: bool = False) -> redis.asyncio.Redis:
    """A client that connects when it is used, and again when the connection was lost.

    Args:
        url: the server's address, with the password.
        name: shown in the server's list of clients.
        waits: it sends commands that wait for something on the server.
    """
    return redis.asyncio.Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        socket_timeout=WAITS_WITHIN_SECONDS if waits else WITHIN_SECONDS,
        socket_connect_timeout=WITHIN_SECONDS,
        # A connection that the server closed meanwhile is found out by using it.
        retry=Retry(NoBackoff(), 0 if waits else 1),
        client_name=name,
    )
