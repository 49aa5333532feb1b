"""Pending migrations that would block are found by squawk, and nothing else of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsverify import scratch
from opsverify.looking import CouldNotLook
from opsverify.probes.locks import locks
from opsverify.scratch import Scratch
from tests.opsverify.project import API, Project, Target


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    """A server for the target."""
    with scratch.server() as made:
        yield made


@pytest.fixture
def target(server: Scratch) -> Target:
    """A database with no migration."""
    return Target(server, "midst")


def blocking(project: Project, target: Target, folder: Path, commit: str) -> tuple[str, ...]:
    """What the migrations of a commit would block."""
    environment = project.environment(folder, comes=commit, database=target.dsn)
    assert environment.git is not None
    return tuple(
        one.partition(": ")[0].replace(f"{API}/", "") for one in locks(environment, environment.git).blocking
    )


TEXTS = {
    "index": ("SELECT 1;\nCREATE INDEX i ON people (name);", "require-concurrent-index-creation", 2),
    "index dropped": ("DROP INDEX i;", "require-concurrent-index-deletion", 1),
    "type": ("ALTER TABLE people ALTER COLUMN name TYPE varchar(9);", "changing-column-type", 1),
    "random default": (
        "ALTER TABLE people ADD COLUMN age float DEFAULT random();",
        "adding-field-with-default",
        1,
    ),
    "foreign key": (
        "ALTER TABLE people ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES b;",
        "adding-foreign-key-constraint",
        1,
    ),
    "check": ("ALTER TABLE people ADD CONSTRAINT c CHECK (a > 0);", "constraint-missing-not-valid", 1),
    "not null": ("ALTER TABLE people ALTER COLUMN a SET NOT NULL;", "adding-not-nullable-field", 1),
}


@pytest.mark.parametrize(("text", "rule", "line"), TEXTS.values(), ids=TEXTS)
def test_what_blocks(tmp_path: Path, target: Target, text: str, rule: str, line: int) -> None:
    """With file, line and rule, whatever the file is called."""
    project = Project(tmp_path / "repository")
    name = "001 größe [x]*.sql"
    commit = project.commit({f"{API}/{name}": text})
    assert f"{name}:{line} {rule}" in blocking(project, target, tmp_path / "e", commit)


def test_what_blocks_nobody(tmp_path: Path, target: Target) -> None:
    """New tables, constant defaults, indexes built aside, constraints to be validated later; and style."""
    project = Project(tmp_path / "repository")
    commit = project.commit(
        {
            f"{API}/001.sql": "CREATE TABLE t (id int PRIMARY KEY);\nCREATE INDEX i ON t (id);",
            f"{API}/002.sql": "ALTER TABLE people ADD COLUMN age int NOT NULL DEFAULT 0;",
            f"{API}/003.sql": "CREATE INDEX CONCURRENTLY j ON people (age);",
            f"{API}/004.sql": "ALTER TABLE people ADD CONSTRAINT c CHECK (age > 0) NOT VALID;",
        }
    )
    assert blocking(project, target, tmp_path / "e", commit) == ()


def test_what_is_applied_already_is_not_asked(tmp_path: Path, target: Target) -> None:
    """It blocks nobody any more."""
    project = Project(tmp_path / "repository")
    commit = project.commit({f"{API}/001.sql": "CREATE INDEX i ON people (name);"})
    target.has("001")
    assert blocking(project, target, tmp_path / "e", commit) == ()


def test_what_is_no_sql(tmp_path: Path, target: Target) -> None:
    """Was not looked at; DEP-03 runs it."""
    project = Project(tmp_path / "repository")
    commit = project.commit({f"{API}/001.sql": "\nSELECT ((;"})
    with pytest.raises(CouldNotLook, match=r"squawk cannot read apps/api/migrations/001\.sql:2"):
        blocking(project, target, tmp_path / "e", commit)


def test_no_squawk(tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Could not look, with the line that installs it."""
    project = Project(tmp_path / "repository")
    commit = project.commit({f"{API}/001.sql": "SELECT 1"})
    monkeypatch.setattr("opsverify.probes.locks.shutil.which", lambda *_, **__: None)
    with pytest.raises(CouldNotLook) as error:
        blocking(project, target, tmp_path / "e", commit)
    assert "pip install 'opsverify[migrations]'" in (error.value.remedy or "")


@pytest.mark.parametrize("said", ["", "{}", "no JSON", '[{"file": "9.sql"}]'])
def test_a_squawk_of_another_kind(
    tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """That it says nothing that is known is not that it finds nothing."""
    program = tmp_path / "squawk"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
    program.chmod(0o755)
    project = Project(tmp_path / "repository")
    commit = project.commit({f"{API}/001.sql": "SELECT 1"})
    monkeypatch.setattr("opsverify.probes.locks.shutil.which", lambda *_, **__: str(program))
    with pytest.raises(CouldNotLook, match="squawk"):
        blocking(project, target, tmp_path / "e", commit)
