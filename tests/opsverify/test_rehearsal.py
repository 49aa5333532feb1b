"""Migrations and rollbacks are run on a scratch server at the target's head, and the schemas compared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsverify import head, scratch
from opsverify.environment import Asked, Environment
from opsverify.looking import CouldNotLook
from opsverify.probes.rehearsal import Rehearsal, rehearsal
from opsverify.scratch import Scratch
from tests.opsverify.project import API, Project, Target

PEOPLE = "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL)"
FIRST = f"{API}/001_people.sql"


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    """A server for the targets."""
    with scratch.server() as made:
        yield made


@pytest.fixture
def target(server: Scratch) -> Target:
    """A database with one migration applied."""
    made = Target(server, "midst")
    made.run(PEOPLE)
    made.has("001_people")
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository whose first release has that one."""
    made = Project(tmp_path / "repository")
    made.commit({FIRST: PEOPLE, f"{API}/rollback/001_people.sql": "DROP TABLE people"}, tag="v1")
    return made


def rehearsed(
    project: Project, target: Target, folder: Path, *, back: str | None, **to_come: str
) -> Rehearsal:
    """The rehearsal of one further migration, 002_it: its text, and its rollback script's."""
    (name, text), *_ = to_come.items()
    commit = project.commit({f"{API}/{name}.sql": text, f"{API}/rollback/{name}.sql": back})
    return look(project.environment(folder, comes=commit, database=target.dsn))


def look(environment: Environment) -> Rehearsal:
    """The rehearsal of an environment's pending migrations."""
    assert environment.git is not None
    return rehearsal(environment, environment.git)


def findings(seen: Rehearsal) -> tuple[str, ...]:
    """All that is wrong, without the folder of the files."""
    return tuple(one.replace(f"{API}/", "") for one in (*seen.missing, *seen.failed, *seen.different))


SOUND = {
    "table": ("CREATE TABLE notes (id int PRIMARY KEY)", "DROP TABLE notes"),
    "vector": (
        "CREATE EXTENSION vector; ALTER TABLE people ADD COLUMN mood vector(3)",
        "ALTER TABLE people DROP COLUMN mood; DROP EXTENSION vector",
    ),
    "concurrently": (
        "-- an index\nCREATE INDEX CONCURRENTLY people_name ON people (name);\n/* ; */ SELECT 'a;b';\n",
        "DROP INDEX CONCURRENTLY people_name;",
    ),
    "its own transaction": (
        "BEGIN; CREATE TABLE notes (id int); COMMIT;",
        "BEGIN; DROP TABLE notes; COMMIT;",
    ),
    "search path": ("SET search_path = ''; CREATE TABLE public.notes (id int)", "DROP TABLE notes"),
    "function": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;",
        "DROP FUNCTION f;",
    ),
}


@pytest.mark.parametrize(("forth", "back"), SOUND.values(), ids=SOUND)
def test_what_leaves_no_trace(
    project: Project, target: Target, tmp_path: Path, forth: str, back: str
) -> None:
    """Then there is nothing to say."""
    assert findings(rehearsed(project, target, tmp_path / "e", back=back, it=forth)) == ()


TRACES = {
    "index": (
        "CREATE INDEX people_name ON people (name)",
        "SELECT 1",
        "index public.people_name is left behind",
    ),
    "column": (
        "ALTER TABLE people ADD COLUMN age int",
        "ALTER TABLE people DROP COLUMN name, DROP COLUMN age",
        "column public.people.name is gone",
    ),
    "type": (
        "ALTER TABLE people ALTER COLUMN name TYPE varchar(9)",
        "ALTER TABLE people ALTER COLUMN name TYPE varchar",
        "column public.people.name is 'character varying NOT NULL' and was 'text NOT NULL'",
    ),
    "default": (
        "ALTER TABLE people ALTER COLUMN name SET DEFAULT 'x'",
        "",
        "column public.people.name is \"text NOT NULL DEFAULT 'x'::text\" and was 'text NOT NULL'",
    ),
    "constraint": (
        "ALTER TABLE people ADD CONSTRAINT short CHECK (length(name) < 9)",
        "",
        "constraint public.people.short is left behind",
    ),
    "sequence": ("CREATE SEQUENCE counter", "", "sequence public.counter is left behind"),
    "view": ("CREATE VIEW names AS SELECT name FROM people", "", "view public.names is left behind"),
    "enum": ("CREATE TYPE mood AS ENUM ('good')", "", "type public.mood is left behind"),
    "function": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "",
        "function public.f() is left behind",
    ),
    "trigger": (
        """CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER t BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION f()""",
        "ALTER TABLE people DISABLE TRIGGER t",
        "trigger public.people.t is left behind",
    ),
    "extension": ("CREATE EXTENSION pg_trgm", "", "extension pg_trgm is left behind"),
    "privilege": (
        "GRANT SELECT ON people TO PUBLIC",
        "",
        "privilege SELECT on public.people of PUBLIC is left behind",
    ),
    "publication": ("CREATE PUBLICATION told FOR TABLE people", "", "publication told is left behind"),
    "statistics": (
        "CREATE STATISTICS both_of ON id, name FROM people",
        "",
        "statistics public.both_of is left behind",
    ),
    "collation": (
        "CREATE COLLATION plain (locale = 'C')",
        "",
        "collation public.plain is left behind",
    ),
    "foreign keys off": (
        "ALTER TABLE people ADD COLUMN lead int REFERENCES people; ALTER TABLE people DISABLE TRIGGER ALL",
        "",
        "table public.people is 'FOREIGN KEYS NOT ENFORCED' and was ''",
    ),
    "drops too much": (
        "CREATE TABLE notes (id int)",
        "DROP TABLE notes, people",
        "table public.people is gone",
    ),
}


@pytest.mark.parametrize(("forth", "back", "trace"), TRACES.values(), ids=TRACES)
def test_what_is_not_as_it_was(
    project: Project, target: Target, tmp_path: Path, forth: str, back: str, trace: str
) -> None:
    """It is named, with the script that left it so."""
    seen = rehearsed(project, target, tmp_path / "e", back=back, it=forth)
    assert f"rollback/it.sql: {trace}" in findings(seen)


def test_what_goes_with_a_table_is_not_named_beside_it(
    project: Project, target: Target, tmp_path: Path
) -> None:
    """Its columns, its keys, its indexes."""
    forth = """CREATE TABLE notes (id serial PRIMARY KEY, person int REFERENCES people);
        CREATE INDEX i ON notes (person)"""
    seen = rehearsed(project, target, tmp_path / "e", back="", it=forth)
    assert findings(seen) == ("rollback/it.sql: table public.notes is left behind",)


def test_a_script_that_is_not_there(project: Project, target: Target, tmp_path: Path) -> None:
    """Is missing, and the migration is tried all the same."""
    seen = rehearsed(project, target, tmp_path / "e", back=None, it="CREATE TABEL notes (id int)")
    assert findings(seen) == (
        "it.sql: there is no rollback/it.sql",
        'it.sql:1: syntax error at or near "TABEL"',
    )


@pytest.mark.parametrize(
    ("forth", "said"),
    [
        ("SELECT 1;\n\nCREATE TABLE people (id int);", 'it.sql: relation "people" already exists'),
        ("SELECT 1;\n\nSELECT none FROM people;", 'it.sql:3: column "none" does not exist'),
        ("BEGIN; CREATE TABLE notes (id int);", "it.sql: it ends inside a transaction that it began"),
        (
            "CREATE INDEX CONCURRENTLY i ON people (name);\nSELECT nonsense;",
            'it.sql:2: column "nonsense" does not exist',
        ),
    ],
)
def test_a_migration_that_fails(
    project: Project, target: Target, tmp_path: Path, forth: str, said: str
) -> None:
    """With its line, where the server says where, and what the server said."""
    assert findings(rehearsed(project, target, tmp_path / "e", back="SELECT 1", it=forth)) == (said,)


def test_names_of_all_kinds(project: Project, target: Target, tmp_path: Path) -> None:
    """Spaces, letters of other scripts and quotes in a file's name change nothing."""
    name = '002 größe "neu" \';'
    seen = rehearsed(project, target, tmp_path / "e", back=None, **{name: "CREATE TABLE sizes (id int)"})
    assert findings(seen) == (f"{name}.sql: there is no rollback/{name}.sql",)


def test_the_target_is_not_touched(project: Project, target: Target, tmp_path: Path) -> None:
    """What is rehearsed happens elsewhere, also what drops everything."""
    rehearsed(project, target, tmp_path / "e", back="", it="DROP TABLE people")
    target.run("SELECT * FROM people")


def test_what_was_made_by_hand_is_there(project: Project, target: Target, tmp_path: Path) -> None:
    """The rehearsal starts from what the target has today, and not from what git says it should have."""
    target.run("CREATE TABLE by_hand (id int)")
    seen = rehearsed(project, target, tmp_path / "e", back="", it="ALTER TABLE by_hand ADD COLUMN age int")
    assert findings(seen) == ("rollback/it.sql: column public.by_hand.age is left behind",)


def test_nothing_pending_starts_no_server(
    project: Project, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And passes."""
    monkeypatch.setattr(head, "server", None)
    environment = project.environment(tmp_path / "e", comes=project.commit({}), database=target.dsn)
    assert findings(look(environment)) == ()


AFTER = "CREATE TABLE notes (id int); CREATE INDEX notes_id ON notes (id)"


@pytest.mark.parametrize(
    ("back", "said"),
    [
        ("DROP TABLE notes", ()),
        ("DROP TABLE notes, people", ("rollback/it.sql, then it.sql: table public.people is gone",)),
        ("SELECT 1", ('it.sql: relation "notes" already exists',)),
    ],
)
def test_before_a_rollback_the_way_back_is_rehearsed(
    project: Project, target: Target, tmp_path: Path, back: str, said: tuple[str, ...]
) -> None:
    """What runs is taken back to the release before it, and applied again."""
    target.run(AFTER)
    target.has("it")
    commit = project.commit({f"{API}/it.sql": AFTER, f"{API}/rollback/it.sql": back})
    environment = project.environment(
        tmp_path / "e",
        runs=commit,
        previous="v1",
        database=target.dsn,
        asked=Asked(stage="pre_rollback"),
    )
    assert findings(look(environment)) == said


def test_on_a_server_that_the_environment_names(
    project: Project, target: Target, server: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target's own server is refused, whatever it is called; another one is used."""
    commit = project.commit({f"{API}/it.sql": "CREATE TABLE notes (id int)", f"{API}/rollback/it.sql": ""})
    more = 'scratch_from = "SCRATCH_URL"\n'
    monkeypatch.setenv("PATH", f"{server.bin}:{os.environ['PATH']}")  # a pg_dump that is new enough
    monkeypatch.setenv("SCRATCH_URL", Target(server, "other").dsn)
    environment = project.environment(tmp_path / "e", comes=commit, database=target.dsn, more=more)
    with pytest.raises(CouldNotLook, match="the target itself, or a replica of it"):
        look(environment)
    with scratch.server() as elsewhere:
        monkeypatch.setenv("SCRATCH_URL", Target(elsewhere, "other").dsn)
        again = project.environment(tmp_path / "e2", comes=commit, database=target.dsn, more=more)
        assert findings(look(again)) == ("rollback/it.sql: table public.notes is left behind",)


def test_a_pg_dump_that_is_too_old(
    project: Project, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Could not look, and says which is needed."""
    old = tmp_path / "bin" / "pg_dump"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    commit = project.commit({f"{API}/it.sql": "SELECT 1", f"{API}/rollback/it.sql": ""})
    environment = project.environment(
        tmp_path / "e", comes=commit, database=target.dsn, more='scratch_from = "SCRATCH_URL"\n'
    )
    monkeypatch.setenv("SCRATCH_URL", target.dsn)
    monkeypatch.setenv("PATH", f"{old.parent}:{_git_only(tmp_path)}")
    with pytest.raises(CouldNotLook, match="no pg_dump is here that is as new as the target, PostgreSQL 18"):
        look(environment)


def _git_only(folder: Path) -> Path:
    """A folder of programs in which there is git alone."""
    made = folder / "git only"
    made.mkdir()
    (made / "git").symlink_to(shutil.which("git") or "git")
    return made


def test_a_role_that_cannot_read_the_schema(project: Project, target: Target, tmp_path: Path) -> None:
    """Could not look: a schema that is half dumped proves nothing."""
    target.run(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'weak';"
        "GRANT SELECT ON schema_migrations TO reader"
    )
    commit = project.commit({f"{API}/it.sql": "SELECT 1", f"{API}/rollback/it.sql": ""})
    dsn = target.dsn.replace(f"postgres:{target.login['password']}", "reader:weak")
    with pytest.raises(CouldNotLook, match=r"its schema cannot be dumped: .*permission denied"):
        look(project.environment(tmp_path / "e", comes=commit, database=dsn))


def test_no_state_table(project: Project, target: Target, tmp_path: Path) -> None:
    """Nobody can say what is pending then."""
    target.run("DROP TABLE schema_migrations")
    commit = project.commit({f"{API}/it.sql": "SELECT 1"})
    with pytest.raises(CouldNotLook, match="the database has no table schema_migrations"):
        look(project.environment(tmp_path / "e", comes=commit, database=target.dsn))
