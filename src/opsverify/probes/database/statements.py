"""How long statements take on average, and what is logged of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsverify.environment import Environment, Limits, Postgres
from opsverify.evidence import Evidence, one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.database.asking import Answers, Row, answers
from opsverify.probes.database.questions import LOGGING
from opsverify.probes.database.wording import statement

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""

INSTALL = (
    "Add pg_stat_statements to shared_preload_libraries, restart, then"
    " CREATE EXTENSION pg_stat_statements; in this database."
)
RELOAD = "SELECT pg_reload_conf();"
OFF = {"log_statement": ("none", "ddl"), "log_duration": ("off",)}
"""What a setting has when not every statement is logged."""


@dataclass(frozen=True, kw_only=True)
class Statements(Snapshot):
    """Statements that are slow, and whether the log would say so."""

    slow: tuple[str, ...]
    unlogged: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Logging(Snapshot):
    """What is logged beyond what is slow."""

    left_on: tuple[str, ...]


def statements(environment: Environment, postgres: Postgres) -> Statements:
    """See which statements are slow on average by `pg_stat_statements`, and from when they are logged.

    Raises:
        CouldNotLook: the server did not answer; or slow statements are logged, and `pg_stat_statements` is
            not there, or holds no statement that ran often enough.
    """
    limits = environment.limits
    seen = answers(environment, postgres)
    unlogged = tuple(_unlogged(seen, limits.slow_statement_logged_from_milliseconds))
    evidence = list(seen.evidence("settings"))
    slow: tuple[Finding, ...] = ()
    try:
        rows = _rows(seen)
        evidence.append(_table(seen, rows))
        slow = _slow_ones(rows, limits, tuple(evidence))
    except CouldNotLook:
        if not unlogged:  # what is known to be bad is said all the same
            raise
    return Statements(where=seen.where, slow=slow, unlogged=unlogged, evidence=tuple(evidence))


def logging(environment: Environment, postgres: Postgres) -> Logging:
    """See whether every statement is logged: by the server's settings, or by those of a role or a database.

    Raises:
        CouldNotLook: the server did not answer, or does not show a setting.
    """
    seen = answers(environment, postgres)
    found = [
        Finding(
            f"{name} = {one_line(value)}; ALTER SYSTEM RESET {name}; {RELOAD}",
            about=name,
        )
        for name in LOGGING
        if _logs_all(name, value := seen.setting(name))
    ]
    found += [
        Finding(f"{_of(row)}: {row['name']} = {one_line(row['setting'])}; {_reset(row)}", about=row["name"])
        for row in seen.rows("role settings")
        if _logs_all(row["name"], row["setting"])
    ]
    return Logging(
        where=seen.where, left_on=tuple(found), evidence=seen.evidence("settings", "role settings")
    )


def _logs_all(name: str, value: str) -> bool:
    if name == "log_min_duration_statement":
        return value.strip().startswith("0")
    return value.lower() not in OFF[name]


def _of(row: Row) -> str:
    of = [] if row["role"] == "ALL" else [f"role {one_line(row['role'])}"]
    return " in ".join([*of, *([f"database {one_line(row['database'])}"] if row["database"] else [])])


def _reset(row: Row) -> str:
    database = one_line(row["database"] or "")
    if row["role"] == "ALL":
        return f"ALTER DATABASE {database} RESET {row['name']};"
    within = f" IN DATABASE {database}" if database else ""
    return f"ALTER ROLE {one_line(row['role'])}{within} RESET {row['name']};"


def _unlogged(seen: Answers, at_most: float) -> Iterator[Finding]:
    name = "log_min_duration_statement"
    value = float(seen.setting(name))
    if value < 0 or value > at_most:
        said = "off" if value < 0 else f"{value:g} ms"
        yield Finding(
            f"{name} is {said}, expected at most {at_most:g} ms;"
            f" ALTER SYSTEM SET {name} = {at_most:g}; {RELOAD}",
            about=name,
        )


def _rows(seen: Answers) -> list[Row]:
    if not seen.rows("extensions"):
        raise CouldNotLook("postgres", "pg_stat_statements is not installed", remedy=INSTALL)
    try:
        return seen.rows("statements", of_all=True)
    except CouldNotLook as refused:
        if "shared_preload_libraries" not in refused.why:
            raise
        raise CouldNotLook("postgres", "pg_stat_statements is not loaded", remedy=INSTALL) from None


def _slow_ones(rows: list[Row], limits: Limits, evidence: tuple[Evidence, ...]) -> tuple[Finding, ...]:
    judged = [row for row in rows if row["calls"] >= limits.statement_calls_at_least]
    if not judged and not (rows and rows[0]["statements"] > len(rows)):
        most = max((row["calls"] for row in rows), default=0)
        raise CouldNotLook(
            "postgres",
            "no statement ran often enough to have a mean",
            remedy=f"The most frequent ran {most} times, expected {limits.statement_calls_at_least}.",
            evidence=evidence,
        )
    at_most = limits.statement_mean_at_most_milliseconds
    return tuple(_slow(row, at_most) for row in judged if row["mean_milliseconds"] > at_most)


def _slow(row: Row, at_most: float) -> Finding:
    return Finding(
        f"{statement(row['query'] or '')} ({one_line(row['role'] or 'a dropped role')}):"
        f" {row['mean_milliseconds']:.0f} ms on average over {row['calls']:,} calls, expected at most"
        f" {at_most:g} ms; EXPLAIN (ANALYZE, BUFFERS) it (queryid {row['id']})",
        about=str(row["id"]),
    )


def _table(seen: Answers, rows: list[Row]) -> Evidence:
    """The slowest, without what their texts hold."""
    lines = [
        f"{row['mean_milliseconds']:.2f} ms × {row['calls']}: {statement(row['query'] or '')}"
        for row in rows[:20]
    ]
    return Evidence(
        "statements",
        f"{seen.where}\n{seen.asked['statements']}\n\n" + "\n".join(lines or ["(none)"]),
    )
