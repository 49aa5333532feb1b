"""Whether an emergency dump would work now: the program, the rights, the room. None is made."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

from opsverify.backups.listing import found
from opsverify.backups.tools import newest
from opsverify.cost import charge
from opsverify.environment import Backups, Environment
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.backups import IMPORTS as FOR_STORES
from opsverify.probes.postgres import login_of, open_session, plain_words

IMPORTS = (*FOR_STORES, "psycopg", "opsverify.pgserver")
"""What is imported before the looks start, and not in their threads."""

FINDINGS_AT_MOST = 50
DUMPED_TO_PERCENT = 50
"""Of a database's size, reckoned for a compressed dump where no earlier one says it better."""
GROWN_TO_PERCENT = 150
"""Of the newest backup's size, reckoned for the next."""


_OK = "ok"


@dataclass(frozen=True, kw_only=True)
class Emergency(Snapshot):
    """What stands in the way of a dump."""

    client: str
    """`ok`, or why there is none that would do."""
    unreadable: tuple[str, ...]
    """Tables and sequences that the role cannot read, or not whole."""
    room: str
    """`ok`, or how much lacks where."""


def emergency(environment: Environment, backups_with_database: Backups) -> Emergency:
    """Ask what a dump needs, by the catalogue.

    Raises:
        CouldNotLook: the database does not answer, or the store cannot be listed.
    """
    import psycopg

    postgres = environment.postgres
    if postgres is None:
        raise CouldNotLook("postgres", f"the environment {environment.name} declares none")
    try:
        within = environment.limits.postgres_answer_at_most_seconds
        with open_session(login_of(environment, postgres), within=within) as session:
            charge(statements=2)
            major = session.info.server_version // 10000
            unreadable = [one_line(f"{name}: {why}") for name, why in session.execute(_UNREADABLE).fetchall()]
            row = session.execute("SELECT pg_database_size(current_database())").fetchone()
    except psycopg.Error as error:
        raise CouldNotLook("postgres", plain_words(error)) from None
    folder = _folder(environment, backups_with_database)
    need = _need(environment, backups_with_database, int(row[0]) if row else 0)
    free = shutil.disk_usage(folder).free
    client = client_for(major)
    lines = [
        f"server: PostgreSQL {major}",
        f"client: {client}",
        f"room: {need:,} bytes reckoned, {free:,} free in {folder}",
        *unreadable,
    ]
    return Emergency(
        where=f"{backups_with_database.name}: postgres",
        client=client,
        unreadable=tuple(unreadable[:FINDINGS_AT_MOST]),
        room=room_for(need, free, str(folder)),
        evidence=(Evidence("what a dump needs", "\n".join(lines)),),
    )


def client_for(server: int) -> str:
    """`ok`, or why there is no pg_dump here that can dump a server of this major version."""
    try:
        tool = newest("pg_dump")
    except CouldNotLook as error:
        return error.why
    return _OK if tool.major >= server else f"{tool} is older than the server, {server}"


def room_for(need: int, free: int, where: str) -> str:
    """`ok`, or how much lacks."""
    if need <= free:
        return _OK
    return f"{need:,} bytes are reckoned for it, {free:,} are free in {one_line(where)}"


def _folder(environment: Environment, backups: Backups) -> Path:
    """Where it would be written: into the store, or beside it until it is there."""
    store = backups.store_of(backups.drilled)
    folder = environment.beside(store.folder)
    return folder if not store.is_bucket and folder.is_dir() else Path(tempfile.gettempdir())


def _need(environment: Environment, backups: Backups, database: int) -> int:
    last = found(environment, backups.drilled, datetime.now(UTC)).newest
    if last is None:
        return database * DUMPED_TO_PERCENT // 100
    return last.size * GROWN_TO_PERCENT // 100


_UNREADABLE: LiteralString = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),
    CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'the role may not use its schema'
        WHEN c.relkind <> 'S' AND has_table_privilege(c.oid, 'SELECT')
            THEN 'row security hides rows of it from the role'
        ELSE 'the role may not read it: GRANT SELECT' END
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend AS e
        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
    AND (NOT has_schema_privilege(n.oid, 'USAGE')
        OR (c.relkind <> 'S' AND NOT has_table_privilege(c.oid, 'SELECT'))
        OR (c.relkind = 'S' AND NOT has_sequence_privilege(c.oid, 'SELECT'))
        OR (c.relrowsecurity AND row_security_active(c.oid)))
ORDER BY 1
"""
