"""What the variables of the services look like. Names leave this module, and findings; values never do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from opsverify.environment import Environment, Service, Source, VariablesTable
from opsverify.evidence import Evidence
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.sources import Settings, read_dotenv, read_settings

IMPORTS = ("dotenv", "yaml")
"""What is imported before the looks start, and not in their threads."""

_KEY = secrets.token_bytes(32)
"""Of this process: a digest says nothing outside it, also of a value that could be guessed."""

KNOWN_DEFAULTS = (
    "changeme",
    "change-me",
    "change_me",
    "your-",
    "example",
    "default",
    "insecure",
    "placeholder",
)
DIFFERENT_CHARACTERS = 8
"""A secret with fewer is a row of one letter, not a random one."""


@dataclass(frozen=True, kw_only=True)
class Configured(Snapshot):
    """The variables of one service, wherever they can be seen."""

    missing: tuple[str, ...]
    """Required and not set, or empty: `JWT_SECRET (store)`."""


@dataclass(frozen=True, kw_only=True)
class Forms(Snapshot):
    """Whether the variables of one service have their form."""

    malformed: tuple[str, ...]
    """`JWT_SECRET (store) has fewer than 32 characters`."""


@dataclass(frozen=True, kw_only=True)
class Rotation(Snapshot):
    """Whether the running service has the values that the store holds."""

    changed: tuple[str, ...]
    """Variables whose value in the store is another than the running process has."""


@dataclass(frozen=True, kw_only=True)
class Shared(Snapshot):
    """Whether a secret that services share is the same in all of them."""

    different: tuple[str, ...]
    """Services that have another value than most: `orchestrator (running)`."""


def configured(environment: Environment, service_with_variables: Service) -> Configured:
    """See which required variables of a service are not set.

    Raises:
        CouldNotLook: no source is declared, or one cannot be read.
    """
    service = service_with_variables
    table = _table(environment)
    missing = []
    shown = []
    for place, source in _sources(table, service).items():
        settings = read_settings(environment, service, source)
        required = table.required_of(service.name)
        if table.template is not None and (place == "store" or environment.after_deployment):
            required += tuple(read_template(environment, table))
        missing += [f"{name} ({place})" for name in dict.fromkeys(required) if name not in settings]
        shown.append(f"{place}: {source.name}\n  " + "\n  ".join(sorted(settings)))
    return Configured(
        where=_where(table, service),
        missing=tuple(missing),
        evidence=(Evidence("names of the variables", "\n".join(shown)),),
    )


def forms(environment: Environment, service_with_variables: Service) -> Forms:
    """See whether a service's variables have the form that each needs.

    Raises:
        CouldNotLook: no source is declared, one cannot be read, or shows names only.
    """
    service = service_with_variables
    table = _table(environment)
    malformed = []
    checked = []
    for place, source in _sources(table, service).items():
        settings = _with_values(read_settings(environment, service, source), service, source)
        judged = {*table.required_of(service.name), *OPTIONAL.get(service.name, ())} & KNOWN_FORMS
        for name in sorted(judged & set(settings)):
            finding = _finding(name, settings[name].get_secret_value(), environment)
            if finding is not None:
                malformed.append(f"{name} ({place}) {finding}")
        checked.append(f"{place}: {source.name}: {', '.join(sorted(set(settings) & judged))}")
    return Forms(
        where=_where(table, service),
        malformed=tuple(malformed),
        evidence=(Evidence("variables whose form is known", "\n".join(checked)),),
    )


def rotation(environment: Environment, service_with_variables: Service) -> Rotation:
    """Compare the store with the running service, by digest.

    Raises:
        CouldNotLook: one of the two is not declared, cannot be read, or shows names only.
    """
    service = service_with_variables
    table = _table(environment)
    sources = _sources(table, service)
    if len(sources) < 2:
        raise CouldNotLook(
            service.name,
            "its variables can be seen in one place only",
            remedy="Declare both store and running under [variables].",
        )
    stored, running = (
        _with_values(read_settings(environment, service, sources[place]), service, sources[place])
        for place in ("store", "running")
    )
    secret = [name for name in table.required_of(service.name) if name not in NOT_SECRET]
    wanted = [name for name in secret if name in stored and name in running]
    changed = tuple(name for name in wanted if _digest(stored[name]) != _digest(running[name]))
    return Rotation(
        where=_where(table, service),
        changed=changed,
        evidence=(Evidence("compared by digest", "\n".join(wanted)),),
    )


def shared_secret(environment: Environment, variables: VariablesTable) -> Shared:
    """Compare `JWT_SECRET` of all services, by digest: those in the store, and those that run.

    Raises:
        CouldNotLook: a source cannot be read or shows names only, or fewer than two services have it.
    """
    name = "JWT_SECRET"
    digests: dict[str, dict[str, str]] = {}
    for service in environment.services:
        for place, source in variables.sources_of(service.name).items():
            settings = _with_values(read_settings(environment, service, source), service, source)
            if name in settings:
                digests.setdefault(place, {})[service.name] = _digest(settings[name])
    if not any(len(by_service) > 1 for by_service in digests.values()):
        raise CouldNotLook(variables.name, f"{name} is seen in fewer than two services")
    different: list[str] = []
    for place, by_service in digests.items():
        usual, _ = Counter(by_service.values()).most_common(1)[0]
        different += [f"{service} ({place})" for service, digest in by_service.items() if digest != usual]
    compared = "\n".join(f"{place}: {', '.join(of)}" for place, of in digests.items())
    return Shared(
        where=name,
        different=tuple(different),
        evidence=(Evidence("compared by digest", compared),),
    )


def read_template(environment: Environment, table: VariablesTable) -> list[str]:
    """The names that the release to come needs.

    Raises:
        CouldNotLook: the template cannot be read.
    """
    if table.template is None:
        return []
    try:
        return list(read_dotenv(environment.beside(table.template)))
    except (OSError, ValueError):
        raise CouldNotLook(table.name, f"the template {table.template.name} cannot be read") from None


def _table(environment: Environment) -> VariablesTable:
    if environment.variables is None:  # the subject says so before a probe is asked
        raise CouldNotLook("variables", "the environment declares none")
    return environment.variables


def _sources(table: VariablesTable, service: Service) -> dict[str, Source]:
    sources = table.sources_of(service.name)
    if not sources:
        raise CouldNotLook(
            service.name,
            "the environment does not say where its variables can be seen",
            remedy="Declare store or running under [variables].",
        )
    return sources


def _where(table: VariablesTable, service: Service) -> str:
    return ", ".join(source.name for source in table.sources_of(service.name).values())


def _with_values(settings: Settings, service: Service, source: Source) -> dict[str, SecretStr]:
    found = {name: value for name, value in settings.items() if value is not None}
    if settings and not found:
        raise CouldNotLook(service.name, f"{source.name} shows names only")
    return found


def _digest(value: SecretStr) -> str:
    return hmac.new(_KEY, value.get_secret_value().encode(), hashlib.sha256).hexdigest()


def _finding(name: str, value: str, environment: Environment) -> str | None:
    """What is wrong with a value, in words that do not repeat it."""
    if name == "JWT_SECRET":
        return _weak(value, environment.limits.jwt_secret_at_least_characters)
    if name == "STRIPE_SECRET_KEY":
        prefix = "sk_live_" if environment.is_production else "sk_test_"
        return None if value.startswith(prefix) else f"does not begin with {prefix}"
    expected = _EXPECTED.get(name)
    if expected is None or expected.holds(value):
        return None
    return expected.otherwise


@dataclass(frozen=True)
class _Form:
    schemes: tuple[str, ...] = ()
    prefix: str = ""
    exactly: str = ""
    otherwise: str = ""

    def holds(self, value: str) -> bool:
        if self.exactly:
            return value == self.exactly
        if self.prefix:
            return value.startswith(self.prefix) and len(value) > len(self.prefix)
        try:
            parts = urlsplit(value)
            return parts.scheme in self.schemes and bool(parts.hostname) and parts.port is not False
        except ValueError:
            return False


_EXPECTED = {
    "DATABASE_URL": _Form(schemes=("postgresql", "postgres"), otherwise="is no PostgreSQL address"),
    "REDIS_URL": _Form(schemes=("redis", "rediss"), otherwise="is no Redis address"),
    "LOCAL_LLM_URL": _Form(schemes=("http", "https"), otherwise="is no HTTP address"),
    "STRIPE_WEBHOOK_SECRET": _Form(prefix="whsec_", otherwise="does not begin with whsec_"),
    "ORCH_WORKER_ENABLED": _Form(exactly="true", otherwise="is not true"),
}
OPTIONAL = {"orchestrator": ("LOCAL_LLM_URL",)}
"""What a service may have and need not."""
NOT_SECRET = frozenset({"ORCH_WORKER_ENABLED"})
KNOWN_FORMS = {*_EXPECTED, "JWT_SECRET", "STRIPE_SECRET_KEY"}
"""Forms of the runbook's variables (runbook: critical-environment-variables)."""


def _weak(secret: str, at_least: int) -> str | None:
    if len(secret) < at_least:
        return f"has fewer than {at_least} characters"
    if (
        any(default in secret.lower() for default in KNOWN_DEFAULTS)
        or len(set(secret)) < DIFFERENT_CHARACTERS
    ):
        return "is a known default"
    return None
