"""The whole of an environment file."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, PrivateAttr, StrictBool, model_validator

from opsverify.check import NONE_DECLARED, SETTLING_STAGES, Stage, did_you_mean
from opsverify.environment.asked import Asked
from opsverify.environment.backups import Backups
from opsverify.environment.base import Name, Table
from opsverify.environment.delivery import Access, Flags, Git, Maintenance, MigrationState
from opsverify.environment.nouns import (
    Auth,
    Browser,
    Compose,
    Llm,
    Postgres,
    Redis,
    Service,
    Synthetic,
    Taxonomy,
    VariablesTable,
)
from opsverify.environment.people import RecordsTable
from opsverify.environment.policy import (
    GATE_VALID_FOR_MINUTES,
    VALID_FOR_MINUTES,
    Gap,
    Limits,
    LookingTable,
    Masking,
    Notify,
    Runbook,
    SeverityOverride,
    StagePolicy,
    Waiver,
)
from opsverify.environment.stores import PgBouncer
from opsverify.masking import Masker
from opsverify.variables import Variables

T = TypeVar("T")

Laters = dict[str, Any]
"""A table whose keys a later version of the suite reads; named now so that files stay valid."""

NOUNS: tuple[str, ...] = (
    "services",
    "postgres",
    "redis",
    "access",
    "auth",
    "backups",
    "browser",
    "compose",
    "flags",
    "git",
    "grafana",
    "hosts",
    "kubernetes",
    "llm",
    "load",
    "logs",
    "loki",
    "maintenance",
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


class Environment(Table):
    """A target environment, as its file declares it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, title="Environment file"
    )

    version: Annotated[Literal[1], Field(alias="schema")]
    name: Name
    kind: Name | None = None
    protected: StrictBool
    """True for production: nothing is written, and severities can only be raised."""
    env_file: Path | None = None
    """Dotenv file beside the environment file; wins over the process's variables."""
    reference_platform: bool = False
    """The addresses are those of the reference platform, filled in when it runs."""

    services: tuple[Service, ...] = ()
    postgres: Postgres | None = None
    redis: Redis | None = None
    pgbouncer: PgBouncer | None = None

    limits: Limits = Limits()
    looking: LookingTable = LookingTable()
    policy: dict[Stage, StagePolicy] = Field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    severities: tuple[SeverityOverride, ...] = ()

    auth: Auth | None = None
    synthetic: Synthetic | None = None
    browser: Browser | None = None
    taxonomy: Taxonomy = Taxonomy()
    variables: VariablesTable | None = None
    backups: Backups | None = None
    logs: Laters | None = None
    monitoring: Laters | None = None
    kubernetes: Laters | None = None
    compose: Compose | None = None
    hosts: Laters | None = None
    records: RecordsTable | None = None
    runbook: Runbook = Runbook()
    git: Git | None = None
    migrations: MigrationState = MigrationState()
    maintenance: Maintenance | None = None
    flags: Flags | None = None
    access: Access | None = None
    llm: Llm | None = None
    notify: Notify = Notify()
    masking: Masking = Masking()
    load: Laters | None = None

    _file: Path = PrivateAttr(default=Path())
    _asked: Asked = PrivateAttr(default=Asked())
    _kept: dict[str, Any] = PrivateAttr(default_factory=dict)
    _locks: dict[str, threading.Lock] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Remember the file this was read from; relative paths in it count from its folder."""
        if isinstance(context, dict):
            self._file = context["file"]
            self._asked = context.get("asked") or Asked()

    @model_validator(mode="after")
    def _is_consistent(self) -> Environment:
        names = [service.name for service in self.services]
        instances = [instance.name for service in self.services for instance in service.instances()]
        for name, times in Counter(instances).items():
            if times > 1:
                raise ValueError(f"services: the name {name!r} stands twice (a replica of api is api.1)")
            if name in (*NOUNS, NONE_DECLARED):
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
        if noun == "runbook":
            return self.runbook.named
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

    def beside(self, named: Path) -> Path:
        """A path that this file names: it counts from the file's folder."""
        return self._file.parent / named

    def path(self, named: Path | None) -> Path | None:
        """Likewise, for one that may not be named."""
        return None if named is None else self.beside(named)

    @property
    def is_production(self) -> bool:
        """By its kind; where that is not said, a protected environment is taken for production."""
        return self.protected if self.kind is None else self.kind == "production"

    @property
    def after_deployment(self) -> bool:
        """Whether it is looked at in a stage that follows a deployment: what runs is then the release."""
        return self._asked.stage is not None and self._asked.stage != "pre_deploy"

    @property
    def asked(self) -> Asked:
        """What the run was asked for."""
        return self._asked

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What several looks of a run need and none of them changes: made by the first that asks for it.

        Raises:
            Exception: what `make` raises; the next that asks tries again.
        """
        with self._locks.setdefault(name, threading.Lock()):
            if name not in self._kept:
                self._kept[name] = make()
            found: T = self._kept[name]
            return found

    @property
    def file(self) -> Path:
        """The file this environment was read from."""
        return self._file
