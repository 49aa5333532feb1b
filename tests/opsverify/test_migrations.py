"""What the database has is held against what a release has; what is pending has to be reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from opsverify import scratch
from opsverify.environment import Environment
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.migrations import runs_alone, statements
from opsverify.probes.migrations import Applied, applied, reviewed, tagged
from opsverify.scratch import Scratch
from reference_platform.repository import git
from tests.opsverify.project import API, Project, Target
from tests.opsverify.recording import NOW
from tests.opsverify.stub import Told, serving

ORCHESTRATOR = "apps/orchestrator/migrations"


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    """A server for the targets."""
    with scratch.server() as made:
        yield made


@pytest.fixture
def target(server: Scratch) -> Target:
    """An empty database with its state table."""
    return Target(server, "midst")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository with three migrations of two apps."""
    made = Project(tmp_path / "repository")
    made.commit(
        {
            f"{API}/001_a.sql": "",
            f"{API}/002_b.sql": "",
            f"{API}/README.md": "",
            f"{API}/old/000_z.sql": "",
            f"{ORCHESTRATOR}/001_t.sql": "",
        },
        tag="v1",
    )
    return made


@pytest.fixture
def started() -> Iterator[str]:
    """A service that started when this test ran."""
    with serving(lambda _: Told(body=f"api_process_start_time_seconds {NOW.timestamp()}\n")) as url:
        yield url


def seen(project: Project, target: Target, folder: Path, url: str, **more: Any) -> Applied:
    """What is known of the release that runs."""
    services = f'[[services]]\nname = "api"\nurl = "{url}"\n'
    commit = git("-C", str(project.folder), "rev-parse", "v1^{commit}")
    given = {"runs": commit, "more": services, "database": target.dsn, **more}
    environment = project.environment(folder, **given)
    assert environment.git is not None
    return applied(environment, environment.git)


def write(target: Target, **versions: datetime) -> None:
    """Write migrations down as applied at some time."""
    for version, at in versions.items():
        target.run(f"INSERT INTO schema_migrations VALUES ('{version}', '{at.isoformat()}')")


MINUTES_AGO = [NOW - timedelta(minutes=one) for one in range(10)]


def test_all_is_well(project: Project, target: Target, tmp_path: Path, started: str) -> None:
    """Names with `.sql` and without mean the same."""
    write(target, **{"001_a": MINUTES_AGO[9], "002_b.sql": MINUTES_AGO[8], "001_t": MINUTES_AGO[7]})
    found = seen(project, target, tmp_path / "e", started)
    assert (found.missing, found.unknown, found.failed, found.disordered, found.late) == ((),) * 5


def test_what_is_missing_unknown_or_out_of_order(
    project: Project, target: Target, tmp_path: Path, started: str
) -> None:
    """All of it is named at once."""
    write(target, **{"001_a": MINUTES_AGO[5], "002_b": MINUTES_AGO[6], "003_c": MINUTES_AGO[4]})
    found = seen(project, target, tmp_path / "e", started)
    assert found.missing == (f"{ORCHESTRATOR}/001_t.sql",)
    assert found.unknown == ("003_c",)
    assert found.disordered == ("002_b before 001_a",)


def test_applied_when_the_services_ran(
    project: Project, target: Target, tmp_path: Path, started: str
) -> None:
    """Beyond what clocks may differ by."""
    ages = {"001_a": MINUTES_AGO[9], "002_b": MINUTES_AGO[8]}
    write(target, **ages, **{"001_t": NOW + timedelta(seconds=1)})
    assert seen(project, target, tmp_path / "e", started).late == ()
    target.run(
        f"UPDATE schema_migrations SET applied_at = '{NOW + timedelta(minutes=1)}' WHERE version = '001_t'"
    )
    found = seen(project, target, tmp_path / "e2", started)
    assert found.late == ("001_t 60 s after api had started",)


def test_a_service_that_does_not_say_when_it_started(
    project: Project, target: Target, tmp_path: Path
) -> None:
    """Leaves it open, unless something else is wrong already."""
    write(target, **{"001_a": MINUTES_AGO[9], "002_b": MINUTES_AGO[8]})
    with serving(lambda _: Told(500, "")) as url:
        assert seen(project, target, tmp_path / "e", url).missing == (f"{ORCHESTRATOR}/001_t.sql",)
        write(target, **{"001_t": MINUTES_AGO[7]})
        with pytest.raises(CouldNotLook, match="process_start_time_seconds"):
            seen(project, target, tmp_path / "e2", url)


def test_one_that_failed(project: Project, target: Target, tmp_path: Path, started: str) -> None:
    """Where the state table knows."""
    target.run("ALTER TABLE schema_migrations ADD COLUMN dirty bool DEFAULT false")
    write(target, **{"001_a": MINUTES_AGO[9], "002_b": MINUTES_AGO[8], "001_t": MINUTES_AGO[7]})
    target.run("UPDATE schema_migrations SET dirty = true WHERE version = '002_b'")
    more = f'[[services]]\nname = "api"\nurl = "{started}"\n[migrations]\nfailed = "dirty"\n'
    assert seen(project, target, tmp_path / "e", started, more=more).failed == ("002_b",)


def test_after_a_rollback_its_migrations_may_remain(
    project: Project, target: Target, tmp_path: Path, started: str
) -> None:
    """Those of the release taken back, and no others."""
    write(target, **{"001_a": MINUTES_AGO[9], "002_b": MINUTES_AGO[8], "001_t": MINUTES_AGO[7]})
    write(target, **{"003_c": MINUTES_AGO[6], "999_by_hand": MINUTES_AGO[6]})
    taken_back = project.commit({f"{API}/003_c.sql": ""}, tag="v2")
    before = MINUTES_AGO[1]
    record = {
        "kind": "deployment",
        "release": "v2",
        "commit": taken_back,
        "state": "rolled-back",
        "previous": "v1",
        "started": before,
        "ended": before,
        "when": before,
    }
    found = seen(project, target, tmp_path / "e", started, records={"back.toml": record})
    assert (found.missing, found.unknown) == ((), ("999_by_hand",))


def test_names_of_all_kinds(project: Project, target: Target, tmp_path: Path, started: str) -> None:
    """A file's name may have spaces and other letters; the message moves no cursor."""
    commit = project.commit({f"{API}/003 größe.sql": "", f"{API}/004 \x1b[2J.sql": ""})
    write(target, **{"001_a": MINUTES_AGO[9], "002_b": MINUTES_AGO[8], "001_t": MINUTES_AGO[7]})
    write(target, **{"003 größe": MINUTES_AGO[6]})
    found = seen(project, target, tmp_path / "e", started, runs=commit)
    assert found.missing == (f"{API}/004 \\x1b[2J.sql",)


# Reviews


def unreviewed(environment: Environment) -> tuple[str, ...]:
    """Pending migrations that nobody reviewed."""
    assert environment.git is not None
    return reviewed(environment, environment.git).unreviewed


def review(path: str, text: str, **more: object) -> dict[str, object]:
    """A review of a file's text."""
    digest = f"sha256:{sha256(text.encode()).hexdigest()}"
    return {"kind": "review", "what": "migrations", "files": {path: digest}, **more}


PATH = f"{API}/003_c.sql"
REVIEWS = {
    "none": ({}, (f"{PATH}: no review is on record",)),
    "of this text": ({"a.toml": review(PATH, "SELECT 1", who="reviewer")}, ()),
    "of something else": (
        {"a.toml": review(PATH, "SELECT 1", what="wording")},
        (f"{PATH}: no review is on record",),
    ),
    "of another file": ({"a.toml": review("b.sql", "SELECT 1")}, (f"{PATH}: no review is on record",)),
    "by a stranger": (
        {"a.toml": review(PATH, "SELECT 1", who="stranger")},
        (f"{PATH}: its review (a.toml) does not count: stranger may not write it (allowed: reviewer)",),
    ),
}


@pytest.mark.parametrize(("records", "said"), REVIEWS.values(), ids=REVIEWS)
def test_a_pending_migration_is_reviewed(
    project: Project,
    target: Target,
    tmp_path: Path,
    records: dict[str, dict[str, object]],
    said: tuple[str, ...],
) -> None:
    """By someone who may, and as it stands now."""
    target.has("001_a", "002_b", "001_t")
    commit = project.commit({PATH: "SELECT 1"})
    environment = project.environment(tmp_path / "e", comes=commit, database=target.dsn, records=records)
    rule = '[[records.rules]]\nkind = "review"\nby = ["reviewer"]\n'
    file = environment.file
    file.write_text(file.read_text() + rule)
    assert unreviewed(load(file)) == said


def test_a_review_of_an_older_text(project: Project, target: Target, tmp_path: Path) -> None:
    """Is none of the present one; a later review of that is."""
    target.has("001_a", "002_b", "001_t")
    commit = project.commit({PATH: "SELECT 2"})
    records = {"old.toml": review(PATH, "SELECT 1")}
    given: dict[str, Any] = {"comes": commit, "database": target.dsn}
    (said,) = unreviewed(project.environment(tmp_path / "e", records=records, **given))
    assert said.startswith(f"{PATH}: the review on record is of another text (old.toml: release-manager")
    records["new.toml"] = review(PATH, "SELECT 2")
    assert unreviewed(project.environment(tmp_path / "e2", records=records, **given)) == ()


# Tags


def tags(project: Project, folder: Path, **more: Any) -> tuple[str, str, str]:
    """The deployed commit, and what its tag is on, here and in the remote."""
    environment = project.environment(folder, **more)
    assert environment.git is not None
    found = tagged(environment, environment.git)
    return found.commit, found.here, found.remote


def test_a_tag_here_and_in_the_remote(project: Project, tmp_path: Path) -> None:
    """Light or annotated, on the deployed commit."""
    commit = git("-C", str(project.folder), "rev-parse", "v1")
    remote = tmp_path / "remote.git"
    git("clone", "--quiet", "--bare", str(project.folder), str(remote))
    git("-C", str(project.folder), "remote", "add", "origin", str(remote))
    git("-C", str(remote), "tag", "--force", "--annotate", "-m", "v1", "v1", commit)
    assert tags(project, tmp_path / "e", runs=commit) == (commit,) * 3
    git("-C", str(remote), "tag", "--delete", "v1")
    assert tags(project, tmp_path / "e2", runs=commit) == (commit, commit, "no tag v1")
    assert tags(project, tmp_path / "e3", runs=commit, table="remote = false") == (commit,) * 3
    later = project.commit({"a": "b"})
    assert tags(project, tmp_path / "e4", runs=later, table="remote = false")[:2] == (later, commit)


def test_a_repository_without_tags(project: Project, tmp_path: Path) -> None:
    """Has none for the release either."""
    git("-C", str(project.folder), "tag", "--delete", "v1")
    commit = project.commit({})
    found = tags(project, tmp_path / "e", runs=commit, table="remote = false")
    assert found[1] == "no tag at all"


def test_a_shallow_clone(project: Project, tmp_path: Path) -> None:
    """Could not look, and says how to fetch the rest."""
    older = git("-C", str(project.folder), "rev-parse", "v1")
    newest = project.commit({"a": "b"})
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", "--no-tags", f"file://{project.folder}", str(shallow))
    for number, commit in enumerate((older, newest)):
        with pytest.raises(CouldNotLook) as error:
            tags(project, tmp_path / f"e{number}", runs=commit, repository=str(shallow))
        assert "git fetch --unshallow --tags" in (error.value.remedy or "")


def test_a_remote_that_is_not_there(project: Project, tmp_path: Path) -> None:
    """Could not look."""
    commit = git("-C", str(project.folder), "rev-parse", "v1")
    with pytest.raises(CouldNotLook, match="origin"):
        tags(project, tmp_path / "e", runs=commit)


# Scripts


def test_statements_of_a_script() -> None:
    """A semicolon that ends no statement stands in strings, names, bodies and comments."""
    script = """-- first; not
    SELECT 'a;b', "c;d", E'it\\'s;', $$e;f$$, $x$ $$;$$ $x$ /* ; */;
    ; /* only; a comment */
    CREATE INDEX i ON t (a)"""
    assert [one[:6] for one in statements(script)] == ["SELECT", "CREATE"]


@pytest.mark.parametrize(
    ("script", "alone"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", True),
        ("/* a */ create unique index concurrently if not exists i on t (a);", True),
        ("DROP INDEX CONCURRENTLY i", True),
        ("REINDEX TABLE CONCURRENTLY t", True),
        ("-- no-transaction\nSELECT 1", True),
        ("VACUUM t", True),
        ("SELECT 'CREATE INDEX CONCURRENTLY'", False),
        ("-- CREATE INDEX CONCURRENTLY\nSELECT 1", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", False),
        ("CREATE INDEX i ON t (a)", False),
    ],
)
def test_what_cannot_run_in_a_transaction(script: str, alone: bool) -> None:
    """By its statements, or because it says so."""
    assert runs_alone(script) is alone
