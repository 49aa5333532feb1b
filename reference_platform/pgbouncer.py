"""The platform's pooler: a real PgBouncer with one server connection, which nothing uses by itself."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from opsverify import pgserver
from reference_platform import ports
from reference_platform.processes import MARK, Failed, Process, Program, end_of
from reference_platform.waiting import until

if TYPE_CHECKING:
    from reference_platform.state import Platform, Settings

NAME = "pgbouncer"
WATCHER = "watcher"
"""Who may ask it how its pools are."""
POOL_SIZE = 1
INSTALL = "PgBouncer is not installed: apt-get install pgbouncer, or what your system has in its place"


def program() -> str | None:
    """Where it is; distributions keep it where only administrators look."""
    return shutil.which(NAME, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


def lacking() -> str | None:
    """The line that installs it, or None."""
    return None if program() else INSTALL


def variables(settings: Settings) -> dict[str, str]:
    """How the suite reaches its console."""
    address = f"127.0.0.1:{settings.ports[NAME]}"
    return {"PGBOUNCER_URL": f"postgresql://{WATCHER}:{_password(settings)}@{address}/pgbouncer"}


def dsn(platform: Platform) -> str:
    """How clients reach the database through it."""
    settings = platform.settings
    return f"postgresql://midst:{settings.postgres_password}@127.0.0.1:{settings.ports[NAME]}/midst"


def up(platform: Platform) -> None:
    """Start it and wait until it answers.

    Raises:
        Failed: it ended; with what it printed.
        NotInTime: it did not answer.
    """
    settings = platform.settings
    account = pgserver.account()
    folder = platform.postgres_folder / NAME
    folder.mkdir(mode=0o700)
    users = folder / "users.txt"
    users.write_text(
        f'"midst" "{settings.postgres_password}"\n"{WATCHER}" "{_password(settings)}"\n', encoding="utf-8"
    )
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"""\
[databases]
midst = host={ports.LOOPBACK} port={settings.ports["postgres"]} dbname=midst
[pgbouncer]
listen_addr = {ports.LOOPBACK}
listen_port = {settings.ports[NAME]}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
stats_users = {WATCHER}
pool_mode = transaction
default_pool_size = {POOL_SIZE}
""",
        encoding="utf-8",
    )
    for file in (users, configuration):
        file.chmod(0o600)
    account.own(folder, users, configuration)
    process = Program(
        command=(str(program()), configuration),
        folder=folder,
        variables={MARK: platform.entry.id, "LC_ALL": "C", "TZ": "UTC"},
        output=platform.log(NAME),
        user=account.user,
        group=account.group,
    ).start()
    platform.entry.remember(NAME, process)
    until(lambda: _answers(platform, process), within=10, what="PgBouncer answers")


def has_waiting_clients(platform: Platform) -> bool:
    """Whether a client waits in a pool."""
    import psycopg

    with psycopg.connect(
        variables(platform.settings)["PGBOUNCER_URL"],
        autocommit=True,
        cursor_factory=psycopg.ClientCursor,
        row_factory=psycopg.rows.dict_row,
    ) as session:
        return any(int(row["cl_waiting"]) > 0 for row in session.execute("SHOW POOLS").fetchall())


def _answers(platform: Platform, process: Process) -> bool:
    import psycopg

    if not process.alive():
        raise Failed(f"PgBouncer ended:\n{end_of(platform.log(NAME))}")
    try:
        has_waiting_clients(platform)
    except psycopg.OperationalError:
        return False
    return True


def _password(settings: Settings) -> str:
    return hashlib.sha256(f"{WATCHER} {settings.postgres_admin_password}".encode()).hexdigest()
