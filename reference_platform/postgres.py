"""The platform's PostgreSQL: a real server with its own cluster, password and few slots."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsverify import pgserver
from reference_platform import ports
from reference_platform.processes import MARK, Failed, Process, Program, end_of, identify, stop
from reference_platform.registry import Entry
from reference_platform.state import Platform
from reference_platform.waiting import NotInTime, until

if TYPE_CHECKING:
    import psycopg

DATABASE = "midst"
INITDB = "initdb"
STATEMENTS = "pg_stat_statements"
SLOTS = 40
"""Few, so that using them all up is quick; the last three are for superusers."""

SETTINGS = {
    "listen_addresses": f"'{ports.LOOPBACK}'",
    "max_connections": str(SLOTS),
    "superuser_reserved_connections": "3",
    "shared_buffers": "16MB",
    "max_logical_replication_workers": "0",
    # The data go with the platform, so a power failure need not be survived.
    "fsync": "off",
    # Shared memory in the data directory: even a killed server leaves nothing outside it.
    "dynamic_shared_memory_type": "mmap",
    # 300 s: a segment that is not full, so that the archive is never far behind
    "archive_mode": "on",
    "archive_timeout": "300",
    "log_min_duration_statement": "1000",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}


@dataclass(frozen=True)
class Preparation:
    """A cluster that is being made."""

    program: Program
    child: subprocess.Popen[bytes]
    bin: Path


def prepare(platform: Platform) -> Preparation:
    """Put the programs in place and begin to make the cluster, without waiting for it.

    Raises:
        Lacking: no PostgreSQL is here.
    """
    folder = platform.postgres_folder
    account = pgserver.account()
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # the platform's own folder around it is closed to others, except for passing through
    bin_folder = pgserver.programs(folder)
    home = folder / "home"
    home.mkdir(mode=0o700)
    password = home / "password"
    password.write_text(platform.settings.postgres_admin_password, encoding="utf-8")
    (folder / "socket").mkdir(mode=0o700)
    (folder / "wal").mkdir(mode=0o700)
    platform.postgres_data.mkdir(mode=0o700)
    account.own(home, password, folder / "socket", folder / "wal", platform.postgres_data)
    program = _program(
        platform,
        bin_folder / "initdb",
        *("--pgdata", platform.postgres_data, "--username", "postgres", "--pwfile", password),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
        "--wal-segsize=1",  # megabyte: what is archived is mostly empty here
    )
    child = program.begin()
    making = identify(child.pid)
    if making is not None:
        platform.entry.remember(INITDB, making)
    return Preparation(program, child, bin_folder)


def finish(platform: Platform, preparation: Preparation) -> None:
    """Wait for the cluster, start the server, and make role and database.

    Raises:
        Failed: initdb or the server ended; with what they printed.
        NotInTime: the server did not answer.
    """
    preparation.program.finish(preparation.child, within=60)
    platform.entry.forget(INITDB)
    (platform.postgres_folder / "home" / "password").unlink()
    archive = platform.postgres_folder / "wal"
    settings = {
        **SETTINGS,
        "port": str(platform.settings.ports["postgres"]),
        "unix_socket_directories": f"'{platform.postgres_folder / 'socket'}'",
        "archive_command": f"'cp %p {archive}/.%f && mv {archive}/.%f {archive}/%f'",
        **({"shared_preload_libraries": STATEMENTS} if _has_statements(preparation.bin) else {}),
    }
    with (platform.postgres_data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("".join(f"{name} = {value}\n" for name, value in settings.items()))
    start(platform, preparation.bin)
    with admin(platform) as session:
        session.execute("CREATE ROLE midst LOGIN IN ROLE pg_monitor")
        session.execute("CREATE DATABASE midst OWNER midst")
    set_password(platform, platform.settings.postgres_password)


def start(platform: Platform, bin_folder: Path | None = None) -> None:
    """Start the server and wait until it answers. The cluster exists.

    Raises:
        Failed: it ended; with the end of its log.
        NotInTime: it did not answer.
    """
    found = bin_folder or programs(platform)
    (platform.postgres_folder / "bin").write_text(str(found), encoding="utf-8")
    process = _program(platform, found / "postgres", "-D", platform.postgres_data).start()
    platform.entry.remember("postgres", process)
    until(lambda: _answers(platform, process), within=30, what="PostgreSQL accepts connections")


def programs(platform: Platform) -> Path:
    """The folder of the programs that its server is run by: pg_dump of the same version is there too."""
    return Path((platform.postgres_folder / "bin").read_text(encoding="utf-8"))


def stop_server(platform: Platform) -> None:
    """Stop the server as an operator would: sessions are ended, data are kept."""
    process = platform.process("postgres")
    if process is not None:
        stop([process], by=signal.SIGINT, within=10)
    platform.entry.forget("postgres")


def end(entry: Entry) -> None:
    """Begin to end whatever of PostgreSQL runs for a platform, without the checkpoint of an orderly stop.

    A cluster in the making is waited for: cut off, it would leave shared memory behind, and
    nobody would know which.
    """
    making = entry.process(INITDB)
    if making is not None:
        with suppress(NotInTime):  # then it is stopped like the rest
            until(lambda: not making.alive(), within=10, what="initdb ends")
    server = entry.process("postgres")
    if server is not None:
        server.signal(signal.SIGQUIT)


def whole(process: Process) -> list[Process]:
    """The server and all its backends."""
    return [process, *process.children()]


def admin(platform: Platform, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    """A session as superuser, also when no ordinary slot is left.

    Raises:
        psycopg.OperationalError: the server does not answer within 5 s.
    """
    import psycopg

    return psycopg.connect(
        platform.settings.admin_dsn,
        dbname=database,
        autocommit=True,
        connect_timeout=5,
        application_name="reference_platform",
    )


def set_password(platform: Platform, password: str) -> None:
    """Give the ordinary role a password."""
    from psycopg import sql

    statement = sql.SQL("ALTER ROLE midst PASSWORD {}").format(sql.Literal(password))
    with admin(platform) as session:
        session.execute(statement)


def holds_idle_sessions(platform: Platform, application: str, *, seconds: float) -> bool:
    """Whether a session of that application has been idle for so long."""
    with admin(platform) as session:
        row = session.execute(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = %s AND state = 'idle'"
            " AND state_change < clock_timestamp() - make_interval(secs => %s)",
            [application, seconds],
        ).fetchone()
        return row is not None and bool(row[0])


def forget_slow_statements(platform: Platform) -> None:
    """Take out of the statistics what was slow because the server hung."""
    with admin(platform, DATABASE) as session:
        found = session.execute("SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'").fetchone()
        if found is not None:
            session.execute(
                "SELECT pg_stat_statements_reset(userid, dbid, queryid) FROM pg_stat_statements"
                " WHERE max_exec_time > 500"
            )


def refusal(platform: Platform) -> str | None:
    """Why the server does not let the ordinary role in now, or None when it does."""
    import psycopg

    try:
        psycopg.connect(platform.settings.dsn, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        return str(error)
    return None


def _has_statements(bin_folder: Path) -> bool:
    """Whether the installation has the extension that counts statements; distributions pack it by itself."""
    return any((bin_folder.parent / "lib").rglob(f"{STATEMENTS}.*"))


def _answers(platform: Platform, process: Process) -> bool:
    import psycopg

    if not process.alive():
        raise Failed(f"PostgreSQL ended:\n{end_of(platform.log('postgres'))}")
    try:
        admin(platform).close()
    except psycopg.OperationalError:
        return False
    return True


def _program(platform: Platform, *command: str | Path) -> Program:
    account = pgserver.account()
    return Program(
        command=command,
        folder=platform.postgres_folder / "home",
        variables={
            MARK: platform.entry.id,
            "HOME": str(platform.postgres_folder / "home"),
            "LC_ALL": "C",
            "PATH": "/usr/bin:/bin",
            "TZ": "UTC",
        },
        output=platform.log("postgres"),
        user=account.user,
        group=account.group,
    )
