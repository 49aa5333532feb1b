"""A PostgreSQL to try things on: a server of one's own for the length of a block, or a database elsewhere.

Nothing of it is left, also when its owner is killed: a shell waits for the end of a pipe that only
the owner holds, and removes what is then nobody's. What even that leaves (the machine lost power)
the next start removes.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsverify import pgserver
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook

PREFIX = "opsverify-pg-"
UNLOCKED_PREFIX = "opsverify-new-"
LONGEST_BELOW = len(f"/{PREFIX}12345678/socket/.s.PGSQL.5432")
ENDS_WITHIN_SECONDS = 30
OUTPUT = "output"
UNLOCKED_FOR_SECONDS = 60
"""A folder without a lock that is older than this was left: the lock is taken at once."""

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "20",
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_logical_replication_workers": "0",
    # In the data directory, so that even a killed server leaves nothing outside it.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "lc_messages": "C",
}
"""Quick, and not meant to survive anything."""

_WATCH = """\
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
left=50
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ "$left" -gt 0 ]; do
    sleep 0.1
    left=$((left - 1))
done
rm -rf "$1"
"""


@dataclass(frozen=True)
class Scratch:
    """A database to try things on."""

    login: dict[str, Any] = field(repr=False)
    """Connection parameters of a role that may do anything there."""
    version: int
    """Of the server, as `server_version_num` has it: 180006."""
    bin: Path | None
    """Folder of the server's programs; None when the server runs elsewhere."""


@contextmanager
def server(*, meanwhile: Callable[[Path], None] = lambda _: None) -> Iterator[Scratch]:
    """A server of one's own with one empty database, until the end of the block.

    Args:
        meanwhile: what can be done while the cluster is made; it is given the folder of the programs.

    Raises:
        CouldNotLook: it cannot be had.
    """
    try:
        _sweep()
        with ExitStack() as stack:
            folder = stack.enter_context(_folder())
            yield stack.enter_context(_running(folder, meanwhile))
    except pgserver.Lacking as error:
        raise CouldNotLook(
            "scratch server", one_line(str(error)), remedy="Or set PG_BIN to the folder of an initdb."
        ) from None


@contextmanager
def database(login: dict[str, Any], *, unlike: int) -> Iterator[Scratch]:
    """A database of one's own on a server elsewhere, dropped at the end of the block.

    Args:
        login: of a role that may make databases there.
        unlike: system identifier of a server that it must not be.

    Raises:
        CouldNotLook: the server does not answer, does not allow it, or is that one.
    """
    import psycopg
    from psycopg import sql

    name = f"opsverify_scratch_{int(time.time())}_{secrets.token_hex(4)}"
    quoted = sql.Identifier(name)
    try:
        with psycopg.connect(**login, autocommit=True, connect_timeout=5) as session:
            if system_identifier(session) == unlike:
                raise CouldNotLook("scratch server", "it is the target itself, or a replica of it")
            _drop_left(session)
            session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(quoted))
            try:
                yield Scratch({**login, "dbname": name}, session.info.server_version, None)
            finally:
                session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
    except psycopg.OperationalError as error:
        raise CouldNotLook("scratch server", one_line(str(error))) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise CouldNotLook(
            "scratch server", one_line(str(error)), remedy="Its role needs CREATEDB."
        ) from None


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for files of a drill, gone at the end of the block, however that comes.

    Raises:
        pgserver.Lacking: there is no temporary folder for it.
    """
    _sweep()
    with _folder() as made:
        yield made


def system_identifier(session: Any) -> int:
    """What tells a cluster from all others, its replicas apart."""
    row = session.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    return int(row[0])


def _drop_left(session: Any) -> None:
    """Drop scratch databases that a killed run left: an hour old, and nobody in them."""
    from psycopg import sql

    left = session.execute(
        "SELECT datname FROM pg_database AS d WHERE datname ~ '^opsverify_scratch_[0-9]+_[0-9a-f]{8}$'"
        " AND split_part(datname, '_', 3)::bigint < extract(epoch FROM now()) - 3600"
        " AND pg_has_role(datdba, 'USAGE')"
        " AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid)"
    ).fetchall()
    for (name,) in left:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for a server, locked and watched over for as long as the block lasts."""
    base = pgserver.temporary_folder(LONGEST_BELOW)
    made = Path(tempfile.mkdtemp(prefix=UNLOCKED_PREFIX, dir=base))
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Whoever sweeps sees it only now: between making and locking, its lock would seem to be nobody's.
        folder = made.rename(base / f"{PREFIX}{made.name.removeprefix(UNLOCKED_PREFIX)}")
        # Root's folder lets the user nobody, who runs the server, pass through but not read.
        folder.chmod(0o711 if os.getuid() == 0 else 0o700)
        watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "watch", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            # Closing the pipe is what the shell waits for; it finds nothing left to do.
            watch.communicate()


@contextmanager
def _running(folder: Path, meanwhile: Callable[[Path], None]) -> Iterator[Scratch]:
    account = pgserver.account()
    programs = pgserver.programs(folder)
    data, socket, password = (folder / name for name in ("data", "socket", "password"))
    for made in (data, socket):
        made.mkdir(mode=0o700)
    secret = secrets.token_urlsafe(18)
    password.touch(mode=0o600)
    password.write_text(secret, encoding="ascii")
    account.own(data, socket, password)
    making = _begin(
        account,
        folder,
        *(str(programs / "initdb"), "--pgdata", str(data), "--username=postgres", "--pwfile", str(password)),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
    )
    try:
        meanwhile(programs)
    finally:
        status = _end_of(making)
    if status != 0:
        raise CouldNotLook("scratch server", f"initdb failed: {_last_line(folder)}")
    settings = {**SETTINGS, "unix_socket_directories": "'{}'".format(str(socket).replace("'", "''"))}
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("".join(f"{name} = {value}\n" for name, value in settings.items()))
    serving = _begin(account, folder, str(programs / "postgres"), "-D", str(data))
    try:
        login = {"host": str(socket), "user": "postgres", "password": secret, "dbname": "postgres"}
        yield Scratch(login, _version(login, serving, folder), programs)
    finally:
        serving.send_signal(signal.SIGQUIT)  # nothing is kept, so nothing has to be written
        _end_of(serving)
        pgserver.release_memory(data)


def _begin(account: pgserver.Account, folder: Path, *command: str) -> subprocess.Popen[bytes]:
    with (folder / OUTPUT).open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={"HOME": str(folder), "LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=account.user,
            group=account.group,
            extra_groups=None if account.user is None else (),
        )


def _end_of(child: subprocess.Popen[bytes]) -> int:
    """The status of a program that is about to end; one that does not is killed."""
    try:
        return child.wait(ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _last_line(folder: Path) -> str:
    lines = (folder / OUTPUT).read_text(encoding="utf-8", errors="replace").splitlines()
    return one_line(lines[-1]) if lines else "it said nothing"


def _version(login: dict[str, Any], serving: subprocess.Popen[bytes], folder: Path) -> int:
    """The server's version, as soon as it answers."""
    import psycopg

    ends = time.monotonic() + ENDS_WITHIN_SECONDS
    pause = threading.Event()
    while True:
        if serving.poll() is not None:
            raise CouldNotLook("scratch server", f"it ended: {_last_line(folder)}")
        with suppress(psycopg.OperationalError), psycopg.connect(**login, connect_timeout=5) as session:
            return session.info.server_version
        if time.monotonic() > ends:
            raise CouldNotLook("scratch server", "it does not answer")
        pause.wait(0.01)


def _sweep() -> None:
    """Remove what killed owners left, where even the shell that watched is gone."""
    base = pgserver.temporary_folder(LONGEST_BELOW)
    for folder in (*base.glob(f"{PREFIX}*"), *base.glob(f"{UNLOCKED_PREFIX}*")):
        with suppress(OSError):  # another user's, or gone meanwhile
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            new = folder.name.startswith(UNLOCKED_PREFIX)
            if _is_old(folder) if new else _is_left(folder):
                _end_server(folder / "data")
                shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > UNLOCKED_FOR_SECONDS


def _is_left(folder: Path) -> bool:
    try:
        lock = (folder / "lock").open("r")
    except FileNotFoundError:
        return _is_old(folder)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _end_server(data: Path) -> None:
    """End the server of a data directory, if it is that one that runs by its number."""
    with suppress(OSError, ValueError, IndexError):
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        if Path(f"/proc/{pid}/cwd").resolve() == data.resolve():
            os.kill(pid, signal.SIGQUIT)
    pgserver.release_memory(data)
