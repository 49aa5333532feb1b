"""The nouns an environment declares: what is there to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from opsverify.check import Severity
from opsverify.environment.base import Name, Table, VariableName, http_address


class Service(Table):
    """One service of the platform and the paths it is looked at by."""

    name: Name
    url: str | None = None
    """Internal address, without a path of its own endpoints. Left out only for the reference platform."""
    public_url: str | None = None
    replicas: tuple[str, ...] = ()
    """Addresses of single replicas, where the environment grants them."""
    ca: Path | None = None
    """Certificate authority to trust for this service, beside the system's."""
    health: str | Literal[False]
    ready: str | Literal[False]
    metrics: str | Literal[False]
    """Path, or a whole address where metrics have a port of their own."""
    needs: tuple[Name, ...] = ()
    metrics_names: dict[str, str] = Field(default_factory=dict)
    severity: Severity | None = None
    """Severity of every check on this service, instead of the check's own."""

    @model_validator(mode="before")
    @classmethod
    def _fill_the_runbooks_paths(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        return {**RUNBOOK_PATHS.get(str(table.get("name")), {}), **table}

    @field_validator("url", "public_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        return None if url is None else http_address(url)

    @field_validator("replicas")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(http_address(url) for url in urls)

    @field_validator("health", "ready", "metrics")
    @classmethod
    def _is_a_path(cls, path: str | Literal[False]) -> str | Literal[False]:
        if path is False or path.startswith("/"):
            return path
        if path.startswith(("http://", "https://")):
            return http_address(path)
        raise ValueError("expected a path that starts with '/', or false when the service has none")

    def address(self, path: str | Literal[False]) -> str:
        """The whole address of one of this service's paths.

        Raises:
            ValueError: the service has no such path, or no address yet (reference platform not up).
        """
        if path is False or self.url is None:
            raise ValueError(f"service {self.name} has no address for {path}")
        return path if "://" in path else self.url + path


RUNBOOK_PATHS: dict[str, dict[str, str | Literal[False]]] = {
    "api": {"health": "/health", "ready": "/ready", "metrics": "/metrics"},
    "orchestrator": {"health": "/health", "ready": "/ready", "metrics": "/metrics"},
    "web": {"health": "/api/health", "ready": False, "metrics": False},
}
"""Paths by service name (runbook: health-check-urls); other services state theirs."""


class Postgres(Table):
    """The platform's PostgreSQL."""

    dsn_from: VariableName
    """Name of the variable that holds the connection string."""
    host: str | None = None
    """Guard: a connection string that points elsewhere is not connected to."""
    database: str | None = None
    """Guard, likewise."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "postgres"


class Redis(Table):
    """The platform's Redis or Valkey."""

    url_from: VariableName
    """Name of the variable that holds the address."""
    host: str | None = None
    """Guard: an address that points elsewhere is not connected to."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "redis"


class Auth(Table):
    """How tokens are made that the api accepts. There is no login: the suite mints its own."""

    secret_from: VariableName = "JWT_SECRET"  # noqa: S105 - the name of a variable
    previous_secret_from: VariableName | None = None
    """The secret before the last rotation; a token signed with it must be refused."""
    issuer: str = "in-midst-my-life-api"
    audience: str = "in-midst-my-life-api"
    webhook_secret_from: VariableName = "STRIPE_WEBHOOK_SECRET"  # noqa: S105 - likewise
    """What the payment provider signs its events with."""
    webhook_path: str = "/v1/billing/webhooks/stripe"

    @property
    def name(self) -> str:
        """The subject's name."""
        return "auth"


class Synthetic(Table):
    """Whose data the smoke tests write: nobody's but their own."""

    tenant: Name = "synthetic"
    """Marks every datum that is written. Named on a protected environment it allows the smoke tests there."""
    profile: str | None = None
    """Id of a kept synthetic profile of a paid tier; with it no profile is made to read a subscription."""


class Browser(Table):
    """How the web page is looked at in a real browser."""

    path: str = "/"
    selector: str = "main"
    """CSS selector of an element that must be visible."""
    executable: Path | None = None
    """The browser; without it the first of chromium, google-chrome, chrome on PATH."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "browser"


class Llm(Table):
    """The local language model."""

    url: str

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return http_address(url)

    @property
    def name(self) -> str:
        """The subject's name."""
        return "llm"
