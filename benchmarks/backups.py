"""Restoring with verification against restoring alone, and listing a store against listing it raw."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import tomli_w

from benchmarks.figure import Figure, NotMeasured
from opsverify import scratch
from opsverify.backups.drilling import drilled
from opsverify.backups.listing import found
from opsverify.backups.manifest import manifest
from opsverify.backups.reading import read_through
from opsverify.backups.tools import newest
from opsverify.environment import Environment
from opsverify.loading import load

SCALE = int(os.environ.get("BENCH_PGBENCH_SCALE", "7"))
"""Of pgbench: 15 MB each; 67 are a gigabyte."""
UNLIMITED_BELOW = 60
"""Scale below which the ratio is printed without a limit: fixed costs weigh too much."""
RESTORE_AT_MOST, READ_AT_MOST, LISTING_AT_MOST = 1.15, 1 / 3, 1.5
OBJECTS = 100_000
ROUNDS = 3


def restore_and_read() -> Iterator[Figure]:
    """A drill's restore and verification, and reading to the end, against a bare `pg_restore -j2`.

    Raises:
        NotMeasured: a restore failed.
    """
    with scratch.server() as server, tempfile.TemporaryDirectory(prefix="opsverify-") as made:
        folder = Path(made)
        environment = _with_dump(server, folder)
        with_verification, bare, read = [], [], []
        for _ in range(ROUNDS):
            environment._kept.clear()
            drill = drilled(environment)
            if drill.flaw or drill.said.errors:
                raise NotMeasured(f"the drill's restore failed: {drill.flaw or drill.said.errors[0]}")
            with_verification.append(drill.phases["restore"] + drill.phases["verify"])
            bare.append(_bare(drill.backup.name, folder / "backups"))
            read.append(read_through(environment, drill.kind, drill.backup).seconds)
        limit = RESTORE_AT_MOST if SCALE >= UNLIMITED_BELOW else float("inf")
        yield Figure("restore-verify", median(with_verification) / median(bare), limit)
        yield Figure("backup-read", median(read) / median(bare), READ_AT_MOST)


def listing_objects() -> Figure:
    """Listing and sorting out a folder of many objects, against obstore's own listing of it."""
    from obstore.store import LocalStore

    with tempfile.TemporaryDirectory(prefix="opsverify-") as made:
        folder = Path(made)
        (folder / "backups").mkdir()
        for number in range(OBJECTS):
            (folder / "backups" / f"other-{number}").touch()
        environment = _environment(folder, tables=[])
        ours, raw = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            fresh = environment.model_copy()
            fresh._kept.clear()
            found(fresh, _full(fresh), datetime.now(UTC))
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            if sum(len(chunk) for chunk in LocalStore(str(folder / "backups")).list()) != OBJECTS:
                raise NotMeasured("obstore lists another number of objects")
            raw.append(time.perf_counter() - began)
        return Figure("listing-100000", median(ours) / median(raw), LISTING_AT_MOST)


def _full(environment: Environment) -> Any:
    assert environment.backups is not None
    return environment.backups.drilled


def _with_dump(server: scratch.Scratch, folder: Path) -> Environment:
    import psycopg
    from psycopg.conninfo import make_conninfo

    (folder / "backups").mkdir()
    login = {**server.login, "dbname": "source"}
    dsn = make_conninfo(**login)
    with psycopg.connect(**server.login, autocommit=True) as session:
        session.execute("CREATE DATABASE source")
    _run(newest("pgbench").path, "--initialize", "--quiet", f"--scale={SCALE}", dsn)
    file = folder / "backups" / f"backup-{datetime.now(UTC):%Y%m%d}.dump"
    _run(newest("pg_dump").path, "--format=custom", f"--file={file}", dsn)
    with psycopg.connect(**login) as session:
        file.with_name(f"{file.name}.json").write_text(manifest(session, datetime.now(UTC)))
    return _environment(folder, tables=["pgbench_accounts"])


def _environment(folder: Path, *, tables: list[str]) -> Environment:
    file = folder / "bench.toml"
    backups = {"store": "backups", "tables": tables, "key_tables": [], "alone": []}
    table = {"schema": 1, "name": "bench", "protected": False, "backups": backups}
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    return load(file)


def _bare(name: str, folder: Path) -> float:
    """Seconds of a bare restore into a server like the drill's."""
    from psycopg.conninfo import make_conninfo

    with scratch.server() as server:
        began = time.perf_counter()
        _run(
            newest("pg_restore").path,
            "-j2",
            "--no-owner",
            "-d",
            make_conninfo(**server.login),
            str(folder / name),
        )
        return time.perf_counter() - began


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"{Path(command[0]).name} failed: {done.stderr[-200:]}")
