"""Real dumps for tests: a database on a scratch server, and the environment that names its backups."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import tomli_w
from psycopg.conninfo import make_conninfo

from opsverify.backups.manifest import manifest
from opsverify.environment import Environment
from opsverify.loading import load
from opsverify.scratch import Scratch

TABLES: LiteralString = """
CREATE TABLE profiles (
    id serial PRIMARY KEY, name text NOT NULL UNIQUE, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE subscriptions (
    profile int PRIMARY KEY REFERENCES profiles, tier text NOT NULL, updated_at timestamptz DEFAULT now());
INSERT INTO profiles (name) SELECT 'profile ' || n FROM generate_series(1, 500) AS n;
INSERT INTO subscriptions SELECT id, 'free' FROM profiles;
"""
NAME = "backup-%Y%m%d-%H%M%S.dump"


class Source:
    """A database with two tables, and programs that dump it."""

    def __init__(self, scratch: Scratch, name: str) -> None:
        self.scratch = scratch
        with psycopg.connect(**scratch.login, autocommit=True) as session:
            session.execute(f"CREATE DATABASE {name}".encode())
        self.login = {**scratch.login, "dbname": name}
        self.dsn = make_conninfo(**self.login)
        self.run(TABLES)

    def run(self, statement: LiteralString) -> None:
        """Run SQL in it."""
        with psycopg.connect(**self.login, autocommit=True) as session:
            session.execute(statement)

    def dump(self, file: Path, *options: str, program: str | None = None) -> Path:
        """Dump it."""
        file.parent.mkdir(exist_ok=True, parents=True)
        pg_dump = program or str(self.scratch.bin / "pg_dump" if self.scratch.bin else "pg_dump")
        subprocess.run([pg_dump, *options, f"--file={file}", self.dsn], check=True, capture_output=True)
        return file

    def noted(self, file: Path, **more: Any) -> Path:
        """Write down beside a dump what is in the database now."""
        with psycopg.connect(**self.login) as session:
            text = manifest(session, datetime.now(UTC), **more)
        file.with_name(f"{file.name}.json").write_text(text)
        return file


def named(folder: Path, pattern: str = NAME, *, ago: timedelta = timedelta(0)) -> Path:
    """Where a dump of a moment lies."""
    return folder / "backups" / (datetime.now(UTC) - ago).strftime(pattern)


def environment(
    folder: Path, source: Source | None = None, *, variables: str = "", **backups: Any
) -> Environment:
    """An environment whose backups lie in a folder beside its file."""
    kind = {"name": "full", "pattern": NAME, "format": "custom", "period_hours": 24, "retention_days": 30}
    table: dict[str, Any] = {
        "schema": 1,
        "name": "tried",
        "protected": False,
        "env_file": "tried.env",
        "backups": {"store": "backups", "kinds": [kind], **backups},
    }
    if source is not None:
        table["postgres"] = {"dsn_from": "DATABASE_URL"}
        variables = variables or f"DATABASE_URL='{source.dsn}'\n"
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "backups").mkdir(exist_ok=True)
    (folder / "tried.env").write_text(variables)
    (folder / "tried.env").chmod(0o600)
    (folder / "tried.toml").write_text(tomli_w.dumps(table))
    return load(folder / "tried.toml")


def kind_of(pattern: str, form: str, **more: Any) -> dict[str, Any]:
    """A kind of backups as the environment file has it."""
    return {"name": "full", "pattern": pattern, "format": form, "period_hours": 24, **more}
