"""Faults that the checks of the services' variables must see."""

from __future__ import annotations

from reference_platform.faults.model import Fault
from reference_platform.faults.verbs import need_in_template, restart_with, set_in_store

SERVICES = ("api", "orchestrator", "web")
OTHER_SECRET = "T7vQ2mX9kR4wZ8pL3nB6cF1hJ5dG0sYaUeViOt"  # noqa: S105 - the secret of nothing


def of_each(check: str) -> frozenset[str]:
    """The names of a check on every service: they share one store."""
    return frozenset(f"{check}[{service}]" for service in SERVICES)


def malformed(name: str, variable: str, value: str, services: tuple[str, ...] = SERVICES) -> Fault:
    """A variable of the store has not its form, which what runs still has."""
    checks = ("CFG-02", "CFG-04") if variable != "ORCH_WORKER_ENABLED" else ("CFG-02",)
    failed = frozenset(f"{check}[{service}]" for check in checks for service in services)
    return Fault("CFG-02", name, set_in_store(variable, value), failed)


FAULTS = (
    Fault("CFG-01", "removed", set_in_store("STRIPE_SECRET_KEY", None), frozenset({"CFG-01[api]"})),
    Fault("CFG-01", "empty", set_in_store("REDIS_URL", ""), of_each("CFG-01")),
    Fault("CFG-01", "missing for the release", need_in_template("NEW_VARIABLE"), of_each("CFG-01")),
    malformed("database address", "DATABASE_URL", "mysql://db/midst"),
    malformed("redis address", "REDIS_URL", "redis:6379"),
    malformed("short secret", "JWT_SECRET", OTHER_SECRET[:31]),
    malformed("known default", "JWT_SECRET", f"changeme-{OTHER_SECRET}"),
    malformed("live key", "STRIPE_SECRET_KEY", "sk_live_0123456789abcdef", ("api",)),
    malformed("webhook secret", "STRIPE_WEBHOOK_SECRET", "0123456789abcdef", ("api",)),
    malformed("worker flag", "ORCH_WORKER_ENABLED", "yes", ("orchestrator",)),
    Fault(
        "CFG-03",
        "orchestrator has another",
        restart_with("orchestrator", "has another JWT_SECRET", {"JWT_SECRET": OTHER_SECRET}),
        frozenset({"CFG-03[variables]", "CFG-04[orchestrator]"}),
    ),
    Fault("CFG-04", "rotated, not restarted", set_in_store("JWT_SECRET", OTHER_SECRET), of_each("CFG-04")),
)
