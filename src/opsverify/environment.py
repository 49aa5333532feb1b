"""The environment model: one TOML file says what the platform is and how it is judged.

It holds addresses, subjects, limits with unit and direction in the name, policy, gaps and
waivers; defaults are the runbook's figures, so a minimal file is short. It never holds a
secret: a field such as `dsn_from` names a variable (see `opsverify.variables`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from opsverify.check import CHECK_ID, SETTLING_STAGES, SUBJECT, Severity, Stage, did_you_mean
from opsverify.masking import Masker
from opsverify.variables import Variables

Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(pattern=SUBJECT)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Laters = dict[str, Any]
"""A table whose keys a later version of the suite reads; named now so that files stay valid."""

NOUNS: tuple[str, ...] = (
    "services",
    "postgres",
    "redis",
    "auth",
    "backups",
    "browser",
    "compose",
    "git",
    "grafana",
    "hosts",
    "kubernetes",
    "llm",
    "load",
    "logs",
    "loki",
    "monitoring",
    "neon",
    "notify",
    "pgbouncer",
    "public_url",
    "records",
    "runbook",
    "synthetic",
    "variables",
)
"""What a check can look at, and so what a gap can say the environment is without."""


class Table(BaseModel):
    """A table of the environment file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def takes_secrets_from(self) -> list[str]:
        """Names of the variables that this table takes secrets from."""
        names = [getattr(self, field) for field in type(self).model_fields if field.endswith("_from")]
        return [name for name in names if name is not None]


def _http_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an http:// or https:// address")
    if parts.username or parts.password:
        raise ValueError("expected an address without credentials: an environment file holds no secret")
    _ = parts.port  # raises ValueError when it is none
    return url.rstrip("/")


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
        return None if url is None else _http_address(url)

    @field_validator("replicas")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_http_address(url) for url in urls)

    @field_validator("health", "ready", "metrics")
    @classmethod
    def _is_a_path(cls, path: str | Literal[False]) -> str | Literal[False]:
        if path is False or path.startswith("/"):
            return path
        if path.startswith(("http://", "https://")):
            return _http_address(path)
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


class Limits(Table):
    """What is still good. The unit and the direction are in each name."""

    health_at_most_seconds: Positive = 2
    ready_at_most_seconds: Positive = 5
    postgres_answer_at_most_seconds: Positive = 2
    metrics_at_most_seconds: Positive = 5
    redis_answer_at_most_seconds: Positive = 2
    connections_at_most_percent: Annotated[float, Field(gt=0, le=100)] = 90


class Runbook(Table):
    """Where the runbook stands."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    url: str | None = None
    """Address that a red line in the report links to; the anchor is appended."""


class Notify(Table):
    """Who is told what, by the names of the variables that hold the addresses."""

    webhook_from: VariableName | None = None
    """Gets a notice on stop, as JSON with a `text`, which chat services understand."""
    heartbeat_from: VariableName | None = None
    """Is called after each nightly run: what watches it notices a nightly that never ran."""


class Masking(Table):
    """What is hidden beside the secrets."""

    patterns: tuple[str, ...] = ()
    """Regular expressions of personal data."""

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"expected regular expressions, {pattern!r} is none: {error}") from None
        return patterns


class LookingTable(Table):
    """How the suite itself looks: width and time bounds of its looks."""

    at_once: Annotated[int, Field(ge=1, le=512)] = 32
    deadline_seconds: Positive = 10
    """One look that takes longer is given up: could not look."""
    all_within_seconds: Positive = 55
    """All looks of a run together, beyond `--settle`; what is not asked by then could not be looked at."""


class StagePolicy(Table):
    """What the gate of one stage demands."""

    valid_for_minutes: Positive | None = None
    """How long a verdict holds, counted from the end of its oldest run."""
    break_glass: bool = False
    """Whether a break-glass record may turn stop into go."""


VALID_FOR_MINUTES: dict[Stage, float] = {
    "nightly": 26 * 60,
    "weekly": 8 * 24 * 60,
    "monthly": 32 * 24 * 60,
    "load": 32 * 24 * 60,
}
"""Validity of a verdict by stage: the audits until the next is due, with slack; the gates 30 minutes."""
GATE_VALID_FOR_MINUTES = 30.0


def end_of(until: date | datetime) -> datetime:
    """The first moment after `until`, UTC: the end of that day, or that time itself."""
    if isinstance(until, datetime):
        return until.astimezone(UTC)
    return datetime.combine(until + timedelta(days=1), time(), UTC)


class Excuse(Table):
    """Why something is not as it should be, who answers for it, and until when."""

    subject: Name | None = None
    reason: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    until: AwareDatetime | date
    """In force to the end of that day UTC, or to that time."""

    @field_validator("until", mode="before")
    @classmethod
    def _has_a_zone(cls, until: object) -> object:
        if isinstance(until, datetime) and until.tzinfo is None:
            raise ValueError("expected a date (2027-03-31) or a time with its zone (2027-03-31T06:00:00Z)")
        return until


class Gap(Excuse):
    """Something this environment does not have and is not asked about."""

    without: str | None = None
    """A noun of the environment that is not declared."""
    check: Annotated[str, Field(pattern=CHECK_ID)] | None = None

    @model_validator(mode="after")
    def _names_one_thing(self) -> Gap:
        if (self.without is None) == (self.check is None):
            raise ValueError("expected either 'without' (a noun) or 'check' (an id)")
        return self


class Waiver(Excuse):
    """A check that may fail for a while: it warns instead of stopping."""

    check: Annotated[str, Field(pattern=CHECK_ID)]
    object: str | None = None
    """One offender inside an item; without it the whole item is waived."""


class SeverityOverride(Table):
    """This environment's own severity for a check. On a protected one it can only be raised."""

    check: Annotated[str, Field(pattern=CHECK_ID)]
    subject: Name | None = None
    severity: Severity
    reason: Annotated[str, Field(min_length=1)]


class Environment(Table):
    """A target environment, as its file declares it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, title="Environment file"
    )

    version: Annotated[Literal[1], Field(alias="schema")]
    name: Name
    kind: Name | None = None
    protected: bool
    """True for production: nothing is written, and severities can only be raised."""
    env_file: Path | None = None
    """Dotenv file beside the environment file; wins over the process's variables."""
    reference_platform: bool = False
    """The addresses are those of the reference platform, filled in when it runs."""

    services: tuple[Service, ...] = ()
    postgres: Postgres | None = None
    redis: Redis | None = None

    limits: Limits = Limits()
    looking: LookingTable = LookingTable()
    policy: dict[Stage, StagePolicy] = Field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    severities: tuple[SeverityOverride, ...] = ()

    auth: Laters | None = None
    synthetic: Laters | None = None
    variables: Laters | None = None
    backups: Laters | None = None
    logs: Laters | None = None
    monitoring: Laters | None = None
    kubernetes: Laters | None = None
    compose: Laters | None = None
    hosts: Laters | None = None
    records: Laters | None = None
    runbook: Runbook = Runbook()
    git: Laters | None = None
    llm: Laters | None = None
    notify: Notify = Notify()
    masking: Masking = Masking()
    load: Laters | None = None

    _file: Path = PrivateAttr(default=Path())

    def model_post_init(self, context: Any) -> None:
        """Remember the file this was read from; relative paths in it count from its folder."""
        if isinstance(context, dict):
            self._file = context["file"]

    @model_validator(mode="after")
    def _is_consistent(self) -> Environment:
        names = [service.name for service in self.services]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"services: the name {name!r} stands twice")
            if name in NOUNS:
                raise ValueError(f"services: {name!r} is the name of another table, choose another")
        for service in self.services:
            if service.url is None and not self.reference_platform:
                raise ValueError(
                    f"services.{service.name}.url: missing, expected an http:// or https:// address"
                )
            for need in service.needs:
                if need not in (*names, *NOUNS):
                    hint = did_you_mean(need, (*names, *NOUNS))
                    raise ValueError(f"services.{service.name}.needs: unknown {need!r} ({hint})")
        return self

    def declares(self, noun: str) -> bool:
        """Whether this environment has the noun: a table of that name, or a service."""
        if noun == "services":
            return bool(self.services)
        if noun == "public_url":
            return any(service.public_url for service in self.services)
        if any(service.name == noun for service in self.services):
            return True
        return getattr(self, noun, None) is not None

    def settle_seconds(self, stage: Stage) -> float:
        """How long the platform may take to settle before it is judged, when not asked otherwise.

        60 s after a change, 600 s where Kubernetes rolls it out (its own rollout timeout in the runbook).
        """
        if stage not in SETTLING_STAGES:
            return 0
        return 600 if self.kubernetes is not None else 60

    def valid_for(self, stage: Stage) -> timedelta:
        """How long a verdict of this stage holds."""
        policy = self.policy.get(stage)
        if policy is not None and policy.valid_for_minutes is not None:
            return timedelta(minutes=policy.valid_for_minutes)
        return timedelta(minutes=VALID_FOR_MINUTES.get(stage, GATE_VALID_FOR_MINUTES))

    def allows_break_glass(self, stage: Stage) -> bool:
        """Whether a break-glass record may turn this stage's stop into go."""
        policy = self.policy.get(stage)
        return policy is not None and policy.break_glass

    @cached_property
    def masker(self) -> Masker:
        """Hides this environment's secrets, as far as they are set; tokens made later are added to it."""
        tables = [table for _, table in self if isinstance(table, Table)]
        names = [name for table in tables for name in table.takes_secrets_from()]
        return Masker(self.secrets.values(names), self.masking.patterns)

    @cached_property
    def secrets(self) -> Variables:
        """Where the values of this environment's variables come from."""
        return Variables(self.path(self.env_file))

    def path(self, named: Path | None) -> Path | None:
        """A path that this file names, which counts from the file's folder."""
        return None if named is None else self._file.parent / named

    @property
    def file(self) -> Path:
        """The file this environment was read from."""
        return self._file
