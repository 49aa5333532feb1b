"""A git repository with releases, made by a test, and an environment that names it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from opsverify.environment import Asked, Environment
from opsverify.scratch import Scratch
from reference_platform.repository import COMMITTER, git
from tests.opsverify.recording import NOW, deployed, planned, recorded

API = "apps/api/migrations"
Files = Mapping[str, str | bytes | None]


class Project:
    """A repository with a commit for each release.

    Args:
        folder: made here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git("init", "--quiet", "--template=", "--initial-branch=main", str(folder))
        self._commits = 0

    def commit(self, files: Files, *, tag: str | None = None) -> str:
        """Commit files on top of what is there; None: the file is gone.

        Returns:
            The commit.
        """
        parent = "from refs/heads/main^0\n" if self._commits else ""
        self._commits += 1
        head = f"commit refs/heads/main\ncommitter {COMMITTER} {self._commits} +0000\ndata 1\n.\n"
        said = (head + parent).encode()
        for path, text in files.items():
            quoted = '"' + path.replace('"', '\\"') + '"'
            if text is None:
                said += f"D {quoted}\n".encode()
            else:
                content = text if isinstance(text, bytes) else text.encode()
                said += f"M 100644 inline {quoted}\ndata {len(content)}\n".encode() + content + b"\n"
        git("-C", str(self.folder), "fast-import", "--quiet", said=said)
        if tag is not None:
            git("-C", str(self.folder), "tag", tag, "refs/heads/main")
        return git("-C", str(self.folder), "rev-parse", "refs/heads/main")

    def environment(
        self,
        folder: Path,
        *,
        comes: str | None = None,
        runs: str | None = None,
        previous: str | None = None,
        more: str = "",
        table: str = "",
        database: str | None = None,
        records: Mapping[str, Mapping[str, Any]] | None = None,
        asked: Asked | None = None,
        repository: str | None = None,
    ) -> Environment:
        """An environment whose records name releases by commit.

        Args:
            folder: where its file is written.
            comes: commit of the release to come, v2.
            runs: commit of the release that runs, v1.
            previous: what ran before it.
            more: further TOML.
            table: further lines of [git].
            database: the target's connection string.
            records: further records.
            asked: what the run is asked for.
            repository: another one.
        """
        known: dict[str, Mapping[str, Any]] = {**(records or {})}
        if comes is not None:
            known["planned.toml"] = planned("v2", commit=comes, previous="v1")
        if runs is not None:
            ago = NOW - timedelta(hours=1)
            known["running.toml"] = deployed("v1", ago, ago, commit=runs, previous=previous)
        folder.mkdir(exist_ok=True)
        text = f'env_file = "e.env"\n[git]\nrepository = "{repository or self.folder}"\n{table}\n'
        (folder / "e.env").write_text(f"DATABASE_URL={database or ''}\n", encoding="utf-8")
        if database is not None:
            text += '[postgres]\ndsn_from = "DATABASE_URL"\n'
        return recorded(folder, known, text + more, asked=asked)


class Target:
    """A database that migrations are applied to.

    Args:
        server: where it is made.
        name: of the database.
    """

    def __init__(self, server: Scratch, name: str) -> None:
        with psycopg.connect(**server.login, autocommit=True) as session:
            session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            session.execute(f'CREATE DATABASE "{name}"')
        self.login = {**server.login, "dbname": name}
        self.run(
            "CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz DEFAULT now())"
        )

    @property
    def dsn(self) -> str:
        """Its connection string."""
        of = self.login
        return f"postgresql://postgres:{of['password']}@/{of['dbname']}?host={of['host']}"

    def run(self, sql: str) -> None:
        """Run statements on it, all in one."""
        with psycopg.connect(**self.login, autocommit=True) as session:
            session.execute(sql)

    def has(self, *versions: str) -> None:
        """Write migrations down as applied."""
        with psycopg.connect(**self.login, autocommit=True) as session:
            for version in versions:
                session.execute("INSERT INTO schema_migrations VALUES (%s)", [version])
