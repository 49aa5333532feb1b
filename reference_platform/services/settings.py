"""What a service is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The variables of the runbook that a service reads, once, when it starts."""

    database_url: str
    redis_url: str
    """Of the cache."""
    redis_queue_url: str
    """Of queue and counters; where the cache is unless told otherwise."""
    jwt_secret: str
    stripe_webhook_secret: str
    worker_enabled: bool
    llm_url: str
    """Of the local language model; empty when there is none."""
    api_url: str
    """Where a page that was asked for at the internal address finds the api."""
    public_api_url: str
    """Where a page that came through the public address finds it."""
    origins: tuple[str, ...]
    """Where pages come from that may call the api from a browser."""
    release: str
    """Which one it is of; a real service has it from its image."""

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment.

        Raises:
            KeyError: a variable that every service needs is not set.
        """
        return cls(
            database_url=variables["DATABASE_URL"],
            redis_url=variables["REDIS_URL"],
            redis_queue_url=variables.get("REDIS_QUEUE_URL") or variables["REDIS_URL"],
            jwt_secret=variables["JWT_SECRET"],
            stripe_webhook_secret=variables.get("STRIPE_WEBHOOK_SECRET", ""),
            worker_enabled=variables.get("ORCH_WORKER_ENABLED") == "true",
            llm_url=variables.get("LOCAL_LLM_URL", ""),
            api_url=variables.get("API_URL", ""),
            public_api_url=variables.get("PUBLIC_API_URL", ""),
            origins=tuple(origin for origin in variables.get("CORS_ORIGINS", "").split(",") if origin),
            release=variables.get("RELEASE", ""),
        )
