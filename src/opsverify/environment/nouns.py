"""The nouns an environment declares: what is there to be looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from opsverify.check import Severity
from opsverify.environment.base import Name, Table, VariableName, http_address
from opsverify.environment.stores import RUNBOOK_KEYS, CachedKeys, Roles


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
    version: str | None = None
    """Path that says which release runs, as JSON; None: none does."""
    version_field: str = "version"
    """Where in it: keys joined by dots."""
    needs: tuple[Name, ...] = ()
    metrics_names: dict[str, str] = Field(default_factory=dict)
    severity: Severity | None = None
    """Severity of every check on this service, instead of the check's own."""
    pool: Annotated[int, Field(ge=1)] | None = None
    """Connections to PostgreSQL that each replica opens at most."""
    replicas_at_most: Annotated[int, Field(ge=1)] = 1
    """As many as its autoscaler may start."""

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

    def instances(self) -> list[Service]:
        """The service, and each single replica of it (`api.1`) where their addresses are granted."""
        replicas = [
            self.model_copy(update={"name": f"{self.name}.{number}", "url": url})
            for number, url in enumerate(self.replicas, 1)
        ]
        return [self, *replicas]

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
    scratch_from: VariableName | None = None
    """Name of a variable with the connection string of a server where a scratch database may be made for
    rehearsals and drills; without it a server of one's own is started."""
    roles: Roles = Roles()

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
    keys: tuple[CachedKeys, ...] = RUNBOOK_KEYS
    """How long what is cached may live; of several patterns that match a key, the first counts."""
    lasting: tuple[str, ...] = ("orchestrator:*", "quota:*")
    """Patterns of keys that are no copy of anything: the queue, and what is counted."""
    queue: str = "orchestrator:queue"
    """The list that holds the pending jobs."""
    queue_url_from: VariableName | None = None
    """Name of the variable with the address of queue and counters; None: they are where the cache is."""
    policies: tuple[str, ...] = ("noeviction", "volatile-ttl")
    """Eviction policies under which queue and counters are safe: the first evicts nothing, the second what
    ends soonest, and counters end last."""

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
    admin_paths: tuple[str, ...] = ("/v1/admin/service-status",)
    """Read-only routes that only admins may use."""
    owner_paths: tuple[str, ...] = ("/v1/profiles/{profile}", "/v1/billing/subscription/{profile}")
    """Read-only routes that only a profile's owner may use, and admins."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "auth"


class Synthetic(Table):
    """Whose data the smoke tests write: nobody's but their own."""

    tenant: Name = "synthetic"
    """Marks every datum that is written. Named on a protected environment it allows the smoke tests there."""
    profile: str | None = None
    """Id of a kept synthetic profile of a paid tier; with it none is made to search, or to read a
    subscription."""
    task_role: Name = "reviewer"
    """Who is given the synthetic task."""

    @property
    def mark(self) -> str:
        """The tenant as it may stand in a slug."""
        return re.sub(r"[^a-z0-9]+", "-", self.tenant).strip("-") or "synthetic"


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Programs that will do as a browser."""


class Browser(Table):
    """How the web page is looked at in a real browser."""

    path: str = "/"
    selector: str = "main"
    """CSS selector of an element that must be visible."""
    watched_for_seconds: Annotated[float, Field(ge=0)] = 2
    """How long the page is watched after that: a script may fail late."""
    may_fail: tuple[str, ...] = ()
    """Beginnings of addresses elsewhere that the page may fail to reach: statistics, say."""
    executable: Path | None = None
    """The browser; without it the first of `BROWSERS` that is on PATH."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "browser"


class Taxonomy(Table):
    """What the api serves of masks, epochs and stages."""

    masks_exactly: Annotated[int, Field(ge=0)] = 16
    epochs_exactly: Annotated[int, Field(ge=0)] = 8
    stages_exactly: Annotated[int, Field(ge=0)] = 8
    fields: tuple[str, ...] = ("id", "name")
    """What each of them has, as text that is not empty."""

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {"masks": self.masks_exactly, "epochs": self.epochs_exactly, "stages": self.stages_exactly}


class Compose(Table):
    """The compose file that the platform runs by."""

    file: Path
    services: dict[Name, str] = Field(default_factory=dict)
    """The name in it of a service that has another one here."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return "compose"


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


class Source(Table):
    """Where the variables of a service can be seen. Exactly one kind is named."""

    dotenv: Path | None = None
    """A dotenv file."""
    compose: Path | None = None
    """A compose file: `environment` and `env_file` of the service in it."""
    export: Path | None = None
    """A JSON file that a secrets manager exported: names and values, or such an object for each service."""
    kubernetes: Name | None = None
    """A Deployment, whose pod template names its variables; values are not read."""
    process: Literal["listener"] | None = None
    """The process on this machine that listens on the service's port."""
    at: str = ""
    """Inside an export: the keys that lead to the object, joined by dots (`data.data`)."""

    @model_validator(mode="after")
    def _names_one_kind(self) -> Source:
        kinds = [self.dotenv, self.compose, self.export, self.kubernetes, self.process]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("expected exactly one of dotenv, compose, export, kubernetes, process")
        return self

    @property
    def name(self) -> str:
        """Its kind and name, for messages."""
        for kind in ("dotenv", "compose", "export", "kubernetes", "process"):
            value = getattr(self, kind)
            if value is not None:
                return f"{kind} {value.name if isinstance(value, Path) else value}"
        raise AssertionError


class ServiceSources(Table):
    """Where one service's variables can be seen, where that differs from the others."""

    store: Source | None = None
    running: Source | None = None


class VariablesTable(Table):
    """Which variables each service needs, and where they can be seen."""

    required: dict[str, tuple[VariableName, ...]] = Field(default_factory=lambda: dict(RUNBOOK_VARIABLES))
    """By service; `all` is for every service. The default is the runbook's list."""
    template: Path | None = None
    """A dotenv file whose names the release to come needs too, such as its `.env.example`."""
    store: Source | None = None
    """Where a deployment takes them from."""
    running: Source | None = None
    """Where those of the running services can be seen."""
    services: dict[Name, ServiceSources] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The subject's name."""
        return "variables"

    def required_of(self, service: str) -> tuple[str, ...]:
        """The variables that a service cannot do without."""
        return self.required.get("all", ()) + self.required.get(service, ())

    def sources_of(self, service: str) -> dict[str, Source]:
        """Where a service's variables can be seen: `store`, `running`, as far as declared."""
        own = self.services.get(service, ServiceSources())
        places = {"store": own.store or self.store, "running": own.running or self.running}
        return {place: source for place, source in places.items() if source is not None}


RUNBOOK_VARIABLES: dict[str, tuple[str, ...]] = {
    "all": ("DATABASE_URL", "REDIS_URL", "JWT_SECRET"),
    "api": ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),
    "orchestrator": ("ORCH_WORKER_ENABLED",),
}
"""Runbook: critical-environment-variables. The model's address is needed only where there is a model."""
