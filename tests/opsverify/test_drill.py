"""The drill restores for real, says what differs, measures, and refuses what must not be."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from opsverify import scratch
from opsverify.backups import drilling
from opsverify.backups.comparing import differences, differences_from_source
from opsverify.backups.manifest import Contents, Counted
from opsverify.backups.restoring import Said, sorted_out
from opsverify.backups.versions import Origin, origin, refusal
from opsverify.environment import Backups, Environment
from opsverify.looking import CouldNotLook
from opsverify.probes.drill import Recent, Restored, alone, recent, restored
from opsverify.probes.emergency import client_for, emergency, room_for
from opsverify.scratch import PREFIX
from tests.opsverify.dumping import Source, environment, kind_of, named

KEYS = [{"table": "profiles", "column": "updated_at"}]


@pytest.fixture(scope="module")
def server() -> Iterator[scratch.Scratch]:
    """A server for the sources."""
    with scratch.server() as made:
        yield made


@pytest.fixture
def source(server: scratch.Scratch, request: pytest.FixtureRequest) -> Source:
    """A database to dump, of each test its own."""
    return Source(server, f"midst_{zlib.crc32(request.node.name.encode())}")


def of(environment: Environment) -> Backups:
    """Its table of backups."""
    assert environment.backups is not None
    return environment.backups


def drill(environment: Environment) -> Restored:
    """What came of the drill."""
    return restored(environment, of(environment))


FORMS: dict[str, tuple[str, str, list[str]]] = {
    "custom": ("backup-%Y%m%d.dump", "custom", ["--format=custom"]),
    "tar": ("backup-%Y%m%d.tar", "tar", ["--format=tar"]),
    "plain": ("midst-%Y%m%d.sql", "plain", []),
    "directory": ("backup-%Y%m%d", "directory", ["--format=directory"]),
}


@pytest.mark.parametrize(("pattern", "form", "options"), FORMS.values(), ids=FORMS)
def test_every_format_restores(
    source: Source, tmp_path: Path, pattern: str, form: str, options: list[str]
) -> None:
    """Into a server of its own, as it was; a copy that is cut off is refused; all phases are timed."""
    source.noted(source.dump(named(tmp_path, pattern), *options))
    seen = drill(environment(tmp_path, kinds=[kind_of(pattern, form)]))
    assert (seen.errors, seen.different) == ((), ())
    assert {"server start", "control", "restore", "verify"} <= set(seen.phases)
    assert 0 < seen.rto_seconds < 60
    assert "was refused: not reached" not in seen.evidence[0].text


def test_a_wrapped_plain_dump_restores(source: Source, tmp_path: Path) -> None:
    """It is unwrapped on its way."""
    file = source.dump(named(tmp_path, "midst-%Y%m%d.sql"))
    wrapped = file.with_name(f"{file.name}.gz")
    wrapped.write_bytes(gzip.compress(file.read_bytes()))
    source.noted(wrapped)
    seen = drill(environment(tmp_path, kinds=[kind_of("midst-%Y%m%d.sql.gz", "plain")]))
    assert (seen.errors, seen.different) == ((), ())


def test_what_is_not_as_it_was(source: Source, tmp_path: Path) -> None:
    """Rows, sums, sequences and constraints, each by its name."""
    file = source.noted(source.dump(named(tmp_path), "--format=custom"))
    source.run("DELETE FROM subscriptions WHERE profile = 7")
    source.run("UPDATE profiles SET name = 'x' WHERE id = 9")
    source.run("ALTER TABLE profiles DROP CONSTRAINT profiles_name_key")
    source.run("SELECT setval('profiles_id_seq', 3)")
    source.dump(file, "--format=custom")
    said = "\n".join(drill(environment(tmp_path)).different)
    for part in (
        "table public.subscriptions has 499 rows, it had 500",
        "table public.profiles: its column name adds up to",
        "sequence public.profiles_id_seq is at 3, it was at 500",
        "constraint public.profiles.profiles_name_key is not there",
    ):
        assert part in said


def test_without_a_manifest_the_source_is_what_counts(source: Source, tmp_path: Path) -> None:
    """With some tolerance, since it is in use."""
    source.dump(named(tmp_path), "--format=custom")
    source.run("INSERT INTO profiles (name) SELECT 'new ' || n FROM generate_series(1, 20) AS n")
    assert drill(environment(tmp_path, source)).different == ()
    source.run("INSERT INTO profiles (name) SELECT 'newer ' || n FROM generate_series(1, 100) AS n")
    assert "more than 5 % apart" in drill(environment(tmp_path, source)).different[0]
    with pytest.raises(CouldNotLook, match="without a manifest"):
        drill(environment(tmp_path))


def test_the_newest_row_says_how_recent(source: Source, tmp_path: Path) -> None:
    """By how much the source is ahead; a table that lost all rows cannot say it."""

    def measured() -> Recent:
        local = environment(tmp_path, source, key_tables=KEYS)
        return recent(local, of(local))

    source.dump(named(tmp_path), "--format=custom")
    assert measured().rpo_seconds == 0
    source.run("UPDATE profiles SET updated_at = updated_at + interval '30 hours' WHERE id = 1")
    assert measured().rpo_seconds == pytest.approx(30 * 3600, abs=1)
    source.run("CREATE TABLE kept AS TABLE profiles; TRUNCATE profiles CASCADE")
    source.dump(named(tmp_path), "--format=custom")
    source.run("INSERT INTO profiles TABLE kept")
    assert measured().missing == ("profiles: no row of it was restored",)


def test_tables_alone(source: Source, tmp_path: Path) -> None:
    """With their keys; one that refers to a table outside of them cannot be."""
    source.noted(source.dump(named(tmp_path), "--format=custom"))
    local = environment(tmp_path)
    assert alone(local, of(local)).lacking == ()
    local = environment(tmp_path, alone=["subscriptions"])
    assert any("does not exist" in one for one in alone(local, of(local)).lacking)
    local = environment(tmp_path, alone=["profiles", "nobody"])
    assert "table public.nobody is not in it" in alone(local, of(local)).lacking


def test_a_broken_control_breaks_the_drill(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that says nothing of a copy that is cut off proves nothing of a whole one."""
    source.noted(source.dump(named(tmp_path), "--format=custom"))
    monkeypatch.setattr(drilling, "restore_archive", lambda *_, **__: Said((), ()))
    with pytest.raises(CouldNotLook, match="its own control failed"):
        drill(environment(tmp_path))


def test_the_target_is_never_restored_into(source: Source, tmp_path: Path) -> None:
    """Also when the environment names it as the scratch server by mistake."""
    source.noted(source.dump(named(tmp_path), "--format=custom"))
    local = environment(tmp_path, source)
    assert local.postgres is not None
    same = local.model_copy(
        update={"postgres": local.postgres.model_copy(update={"scratch_from": "DATABASE_URL"})}
    )
    with pytest.raises(CouldNotLook, match="it is the target itself"):
        drill(same)


def test_a_server_that_the_environment_names(source: Source, tmp_path: Path) -> None:
    """Is restored into, and nothing of it stays there."""
    source.noted(source.dump(named(tmp_path), "--format=custom"))
    with scratch.server() as other:
        dsns = {"DATABASE_URL": source.dsn, "SCRATCH_URL": make_conninfo(**other.login)}
        variables = "".join(f"{name}='{dsn}'\n" for name, dsn in dsns.items())
        local = environment(tmp_path, source, variables=variables)
        assert local.postgres is not None
        named_one = local.model_copy(
            update={"postgres": local.postgres.model_copy(update={"scratch_from": "SCRATCH_URL"})}
        )
        assert drill(named_one).errors == ()
        with psycopg.connect(**other.login) as session:
            rows = session.execute("SELECT datname FROM pg_database WHERE datname ~ 'opsverify'").fetchall()
        assert rows == []


def test_it_takes_no_more_room_than_it_may(source: Source, tmp_path: Path) -> None:
    """What is reckoned is known before anything is begun."""
    source.noted(source.dump(named(tmp_path), "--format=custom"))
    with pytest.raises(CouldNotLook, match="more than the 1,000 that one may"):
        drill(environment(tmp_path, scratch_at_most_gigabytes=0.000001))
    with pytest.raises(CouldNotLook, match="bytes are needed"):
        drill(environment(tmp_path, scratch_factor=1e12, scratch_at_most_gigabytes=1e12))


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="only root mounts a small disk")
def test_a_full_disk_is_said(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no scratch server is left."""
    source.run(
        "INSERT INTO profiles (name) SELECT repeat('long ', 200) || n FROM generate_series(1, 60000) AS n"
    )
    source.noted(source.dump(named(tmp_path), "--format=custom"))
    small = Path(tempfile.mkdtemp(prefix="small-", dir="/tmp"))
    small.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=190m,mode=1777", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        small.rmdir()
        pytest.skip("nothing can be mounted here")
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(small))
        with pytest.raises(CouldNotLook, match="the disk is full"):
            drill(environment(tmp_path, scratch_factor=1))
        assert list(small.glob(f"{PREFIX}*")) == []
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
        small.rmdir()


VERSIONS: list[tuple[Origin, bool, int, int, str | None]] = [
    (Origin(15, 15), True, 18, 18, None),
    (Origin(18, 18), True, 18, 18, None),
    (Origin(15, 18), True, 18, 15, None),
    (Origin(18, 18), True, 15, 18, "made by pg_dump 18"),
    (Origin(18, 18), True, 18, 15, "the scratch server is 15"),
    (Origin(18, 18), False, 18, 15, "the scratch server is 15"),
    (Origin(15, 18), False, 15, 15, None),
    (Origin(None, None), True, 18, 18, None),
]


@pytest.mark.parametrize(("made", "archive", "tool", "server_major", "why"), VERSIONS)
def test_which_versions_restore_what(
    made: Origin, archive: bool, tool: int, server_major: int, why: str | None
) -> None:
    """A server is not older than the source, pg_restore not older than pg_dump; text knows no tool."""
    said = refusal(made, archive=archive, tool=tool, scratch=server_major)
    assert (said is None) if why is None else (said is not None and why in said)


@pytest.mark.parametrize(
    "text",
    [
        b"-- Dumped from database version 15.18 (Debian)\n-- Dumped by pg_dump version 18.6\n",
        b";     Dumped from database version: 15.18\n;     Dumped by pg_dump version: 18.6\n",
    ],
)
def test_a_dump_says_what_made_it(text: bytes) -> None:
    """In its text, or in its list of contents."""
    assert origin(text) == Origin(15, 18)


def test_errors_are_sorted_out() -> None:
    """What loses data is found; roles of another server are expected and listed; so is what is declared."""
    said = (
        'pg_restore: error: could not execute query: ERROR:  role "midst" does not exist\n'
        "Command was: ALTER TABLE a OWNER TO midst;\n"
        'psql:<stdin>:9: ERROR:  relation "b" does not exist\n'
        "pg_restore: warning: errors ignored on restore: 1\n"
    )
    assert sorted_out(said) == Said(('relation "b" does not exist',), ('role "midst" does not exist',))
    assert sorted_out(said, [r'relation "b" .*']).errors == ()
    with pytest.raises(CouldNotLook, match="the disk is full"):
        sorted_out("ERROR:  could not extend file: No space left on device")


def test_comparing() -> None:
    """Nothing may differ from a manifest; a table in use may, by few rows or some percent."""
    was = Contents(tables={"public.a": Counted(rows=10, sums={"n": "5"})}, extensions={"vector": "0.8"})
    assert list(differences(was, was)) == []
    assert list(differences(was, Contents(tables={}))) == [
        "table public.a is not there",
        "extension vector is not there",
    ]
    assert list(differences_from_source({"public.a": 20}, was, 5)) == []
    assert len(list(differences_from_source({"public.a": 21}, was, 5))) == 1
    assert len(list(differences_from_source({"public.b": 0}, was, 5))) == 1


def test_an_emergency_dump(source: Source, tmp_path: Path) -> None:
    """A table that its role may not read is found by the catalogue, and one with row security."""
    local = environment(tmp_path, source)
    assert emergency(local, of(local)).unreadable == ()
    source.run(
        "CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT SELECT ON profiles TO reader;"
        "ALTER TABLE profiles ENABLE ROW LEVEL SECURITY"
    )
    login = {**source.login, "user": "reader", "password": "reader"}
    local = environment(tmp_path, source, variables=f"DATABASE_URL='{make_conninfo(**login)}'\n")
    assert [one.partition(":")[0] for one in emergency(local, of(local)).unreadable] == [
        "public.profiles",
        "public.profiles_id_seq",
        "public.subscriptions",
    ]


def test_what_an_emergency_dump_lacks() -> None:
    """A program that is older than the server, and room."""
    assert client_for(1) == "ok"
    assert "is older than the server" in client_for(99)
    assert room_for(10, 10, "/tmp") == "ok"
    assert "11 bytes" in room_for(11, 10, "/tmp")
