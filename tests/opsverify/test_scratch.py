"""A scratch server is there for the length of a block, and never longer."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from opsverify import scratch
from opsverify.looking import CouldNotLook
from opsverify.scratch import PREFIX, Scratch, system_identifier
from reference_platform.waiting import until

OWNER = """
import sys, time
from opsverify import scratch
with scratch.server() as server:
    print(server.login["host"], flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def nobody_elses() -> Iterator[None]:
    """A temporary folder of these tests' own: others have scratch servers too, at the same time.

    It is short, as a socket's path has to be, and the user who runs the server can pass through it.
    """
    own = tempfile.TemporaryDirectory(prefix="own-", dir="/tmp")
    with own as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o711)
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


def left() -> set[Path]:
    """The folders of scratch servers that are there now."""
    return set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


def test_it_is_empty_and_then_gone() -> None:
    """A real server with one database, which nobody reaches who does not know its password."""
    before = left()
    with scratch.server() as server:
        folder = Path(server.login["host"]).parent
        with psycopg.connect(**server.login) as session:
            tables = session.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert tables == []
        assert server.login["password"] not in repr(server)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**{**server.login, "password": "another"})
    assert not folder.exists()
    assert left() == before


def test_an_error_in_the_block_leaves_nothing() -> None:
    """It is the caller's, and comes through."""
    before = left()
    with pytest.raises(ZeroDivisionError), scratch.server():
        raise ZeroDivisionError
    assert left() == before


def test_its_killed_owner_leaves_nothing() -> None:
    """The server ends and its folder goes, though nobody is there to do it."""
    child = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    folder = Path(child.stdout.readline().strip()).parent
    pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    child.send_signal(signal.SIGKILL)
    child.communicate()
    until(lambda: not folder.exists(), within=20, what="it is gone")
    until(lambda: not Path(f"/proc/{pid}").exists(), within=20, what="it is gone")


def test_what_even_that_leaves_goes_at_the_next_start() -> None:
    """A folder whose lock nobody holds is removed; one that is in the making, or in use, is not."""
    left_over, fresh = (Path(tempfile.mkdtemp(prefix=PREFIX)) for _ in range(2))
    (left_over / "lock").touch()
    old = Path(tempfile.mkdtemp(prefix=PREFIX))
    os.utime(old, (time.time() - 3600,) * 2)
    try:
        with scratch.server(), scratch.server() as second:
            assert Path(second.login["host"]).is_dir()
            assert [one.exists() for one in (left_over, old, fresh)] == [False, False, True]
    finally:
        fresh.rmdir()


def test_one_in_the_making_is_not_taken_for_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sweeps between its making and its locking leaves it alone."""
    lock = fcntl.flock
    swept: list[bool] = []

    def sweep_first(file: Any, how: int) -> None:
        if not swept:
            swept.append(True)
            scratch._sweep()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    with scratch.folder() as made:
        assert made.is_dir()
    assert swept == [True]


def test_no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then nothing can be tried, and it is said what to do."""
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    before = left()
    with pytest.raises(CouldNotLook, match="there is no initdb in it"), scratch.server():
        pass
    assert left() == before


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Scratch]:
    """A server that stands for one that an environment names."""
    with scratch.server() as server:
        yield server


def test_a_database_elsewhere(elsewhere: Scratch) -> None:
    """It is empty, and dropped at the end, also with somebody in it."""
    with scratch.database(elsewhere.login, unlike=1) as made:
        session = psycopg.connect(**made.login)
        name = made.login["dbname"]
        assert session.execute("SELECT current_database()").fetchone() == (name,)
    session.close()
    with psycopg.connect(**elsewhere.login) as after:
        assert after.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None


def test_the_target_is_refused(elsewhere: Scratch) -> None:
    """By the cluster's own identifier, whatever it is called, so that a replica is refused too."""
    with psycopg.connect(**elsewhere.login) as session:
        own = system_identifier(session)
    with (
        pytest.raises(CouldNotLook, match="the target itself"),
        scratch.database(elsewhere.login, unlike=own),
    ):
        pass


def test_a_database_that_a_killed_run_left_is_dropped(elsewhere: Scratch) -> None:
    """An hour later, and only one of that very name."""
    old, young = "opsverify_scratch_1000000000_0123abcd", f"opsverify_scratch_{int(time.time())}_0123abcd"
    with psycopg.connect(**elsewhere.login, autocommit=True) as session:
        for name in (old, young, "opsverify_scratch_mine"):
            session.execute(f'CREATE DATABASE "{name}"')
        with scratch.database(elsewhere.login, unlike=1):
            pass
        rows = session.execute("SELECT datname FROM pg_database WHERE datname ~ 'scratch'").fetchall()
    assert {name for (name,) in rows} == {young, "opsverify_scratch_mine"}
