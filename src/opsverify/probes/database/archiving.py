"""Whether what is written reaches the archive: the settings, the archiver's own count, and what waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsverify.environment import Environment, Limits, Postgres
from opsverify.evidence import one_line
from opsverify.finding import Finding
from opsverify.looking import Snapshot
from opsverify.probes.database.asking import Answers, answers
from opsverify.probes.database.wording import age

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""

RELOAD = "SELECT pg_reload_conf();"
NOTHING = frozenset({"", "(disabled)", "true", "/bin/true", ":", "exit 0"})
"""Commands that archive nothing."""


@dataclass(frozen=True, kw_only=True)
class Archiving(Snapshot):
    """What keeps WAL from the archive."""

    settings: tuple[str, ...]
    failing: tuple[str, ...]
    waiting: tuple[str, ...]


def archiving(environment: Environment, postgres: Postgres) -> Archiving:
    """Read the archive settings and the archiver's statistics.

    Raises:
        CouldNotLook: the server did not answer, or the role is not shown what waits.
    """
    limits = environment.limits
    seen = answers(environment, postgres)
    settings = tuple(_settings(seen, limits))
    archiver = seen.rows("archiver")[0]
    failing = []
    if archiver["failing"]:
        failing.append(
            f"{one_line(archiver['last_failed_wal'])} failed {age(archiver['failed_ago_seconds'])} ago"
            f" ({archiver['failed_count']:,} failures in {age(archiver['counted_for_seconds'])}), and"
            " nothing was archived since; the server's log has what archive_command said"
        )
    waiting = []
    if seen.setting("archive_mode") != "off":
        queue = seen.rows("waiting")[0]
        if queue["segments"] and queue["oldest_seconds"] > limits.wal_waits_at_most_seconds:
            waiting.append(
                f"{queue['segments']:,} segments wait, the oldest for {age(queue['oldest_seconds'])},"
                f" expected at most {age(limits.wal_waits_at_most_seconds)}"
            )
    return Archiving(
        where=seen.where,
        settings=settings,
        failing=tuple(failing),
        waiting=tuple(waiting),
        evidence=seen.evidence("archiver", "waiting", "settings"),
    )


def _settings(seen: Answers, limits: Limits) -> Iterator[Finding]:
    shown = {row["name"]: str(row["setting"]) for row in seen.rows("settings")}
    mode = seen.setting("archive_mode")
    standby = seen.rights["standby"]
    if mode == "off":
        yield Finding(
            "archive_mode is off; ALTER SYSTEM SET archive_mode = on; then restart", about="archive_mode"
        )
        return
    command = seen.setting("archive_command").strip()
    if command in NOTHING and not shown.get("archive_library"):  # libraries came with 15
        yield Finding(
            f"archive_command is {one_line(command)!r}, which archives nothing;"
            f" ALTER SYSTEM SET archive_command = '…'; {RELOAD}",
            about="archive_command",
        )
    timeout = int(seen.setting("archive_timeout"))
    allowed = limits.archive_timeout_at_most_seconds
    if not standby and (timeout == 0 or timeout > allowed):
        yield Finding(
            f"archive_timeout is {'off' if timeout == 0 else age(timeout)}, expected at most {age(allowed)};"
            f" ALTER SYSTEM SET archive_timeout = {allowed:g}; {RELOAD}",
            about="archive_timeout",
        )
