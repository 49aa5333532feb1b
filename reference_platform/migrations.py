"""The database's schema: SQL files applied in order, each once, and what is in the tables at the start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

from reference_platform import postgres
from reference_platform.state import Platform

APPS = Path(__file__).parent / "apps"
ORDER = ("api", "orchestrator")
"""Whose migrations come first."""

STATE_TABLE: LiteralString = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    app text NOT NULL,
    version text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (app, version)
)
"""


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    app: str
    file: Path

    @property
    def version(self) -> str:
        """Its name: `006_stripe_events`."""
        return self.file.stem

    @property
    def rollback(self) -> Path:
        """The SQL that undoes it."""
        return self.file.parent / "rollback" / self.file.name

    @property
    def checksum(self) -> str:
        """Digest of its text, to tell whether it was changed after it was applied."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def all_of(folder: Path = APPS) -> list[Migration]:
    """Every migration in a release's folder of apps, in the order in which they are applied."""
    return [
        Migration(app, file) for app in ORDER for file in sorted((folder / app / "migrations").glob("*.sql"))
    ]


def migrate(platform: Platform, release: Path | None = None) -> list[Migration]:
    """Apply what is not applied yet, each in a transaction of its own.

    Args:
        platform: whose database it is.
        release: folder with the files of a release; None: of the one that `up` brings.

    Returns:
        Those that were applied.

    Raises:
        psycopg.Error: one failed; those before it are applied.
    """
    import psycopg

    applied = []
    with psycopg.connect(platform.settings.dsn, autocommit=True, application_name="migrate") as session:
        session.execute(STATE_TABLE)
        rows = session.execute("SELECT app, version FROM schema_migrations").fetchall()
        there = {(app, version) for app, version in rows}
        for one in all_of(APPS if release is None else release / "apps"):
            if (one.app, one.version) in there:
                continue
            with session.transaction():
                session.execute(_text(one.file))
                session.execute(
                    "INSERT INTO schema_migrations (app, version, checksum) VALUES (%s, %s, %s)",
                    (one.app, one.version, one.checksum),
                )
            applied.append(one)
    return applied


def applied(platform: Platform) -> set[tuple[str, str]]:
    """App and version of every migration that the database has."""
    import psycopg

    with psycopg.connect(platform.settings.dsn, application_name="migrate") as session:
        return {
            (app, version) for app, version in session.execute("SELECT app, version FROM schema_migrations")
        }


def roll_back(platform: Platform, migration: Migration) -> None:
    """Undo a migration, by its own script.

    Raises:
        FileNotFoundError: it has none.
        psycopg.Error: it failed, and nothing was changed.
    """
    import psycopg

    with psycopg.connect(platform.settings.dsn, application_name="migrate") as session:
        session.execute(_text(migration.rollback))
        session.execute(
            "DELETE FROM schema_migrations WHERE app = %s AND version = %s",
            (migration.app, migration.version),
        )


def seed(platform: Platform) -> None:
    """Fill the tables of a new database."""
    import psycopg

    with psycopg.connect(platform.settings.dsn, application_name="seed") as session:
        session.execute(_text(APPS / "api" / "seed.sql"))


def prepare(platform: Platform) -> None:
    """Make what a superuser has to make before the migrations: extensions, where the server has them."""
    with postgres.admin(platform, postgres.DATABASE) as session:
        names = "SELECT name FROM pg_available_extensions"
        found = {name for (name,) in session.execute(names).fetchall()}
        if "vector" in found:
            session.execute("CREATE EXTENSION IF NOT EXISTS vector")
        if postgres.STATEMENTS in found:
            session.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _text(file: Path) -> LiteralString:
    """The SQL of a file of ours, which is as good as a literal."""
    return file.read_text(encoding="utf-8")
