"""What PgBouncer says of its pools, on its admin console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsverify.cost import charge
from opsverify.environment import Environment, PgBouncer
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.database.asking import WITHIN_SECONDS
from opsverify.probes.postgres import APPLICATION_NAME, login_of, place, plain_words

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class Pools(Snapshot):
    """Pools with clients that wait for a connection."""

    waiting: tuple[str, ...]


def pools(environment: Environment, pgbouncer: PgBouncer) -> Pools:
    """Ask SHOW POOLS. The console knows the simple protocol only, and no parameters.

    Raises:
        CouldNotLook: the variable is unset or points elsewhere, or PgBouncer did not answer.
    """
    import psycopg
    from psycopg.rows import dict_row

    login = login_of(environment, pgbouncer)
    where = place(login)
    login = {key: value for key, value in login.items() if key != "options"}
    try:
        with psycopg.connect(
            **{**login, "application_name": APPLICATION_NAME, "connect_timeout": str(WITHIN_SECONDS)},
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
            row_factory=dict_row,
        ) as session:
            charge(statements=1)
            rows: list[dict[str, Any]] = session.execute("SHOW POOLS").fetchall()
    except psycopg.Error as error:
        why = plain_words(error)
        remedy = "Name the user in stats_users or admin_users." if "not allowed" in why else None
        raise CouldNotLook("pgbouncer", why, remedy=remedy) from None
    waiting = [
        Finding(
            f"pool {one_line(row['database'])}/{one_line(row['user'])}: {row['cl_waiting']} clients wait, the"
            f" first for {row.get('maxwait', 0)} s, expected 0; {row['cl_active']} have a connection of"
            f" {int(row['sv_active']) + int(row.get('sv_idle', 0))}; raise pool_size, then RELOAD;",
            about=f"{row['database']}/{row['user']}",
        )
        for row in rows
        if int(row["cl_waiting"]) > 0
    ]
    lines = [" | ".join(rows[0]), *(" | ".join(one_line(str(one)) for one in row.values()) for row in rows)]
    return Pools(
        where=where,
        waiting=tuple(waiting),
        evidence=(Evidence("SHOW POOLS", harmless(f"{where}\nSHOW POOLS\n\n" + "\n".join(lines))),),
    )
