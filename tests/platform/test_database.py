"""What the database says of itself: under the role meant for it, under a lesser one, with hostile names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from opsverify.environment import Environment, Postgres
from opsverify.environment.stores import Roles
from opsverify.loading import load
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.database import (
    archiving,
    connections,
    indexes,
    roles,
    sessions,
    statements,
    tables,
)
from opsverify.probes.database.asking import Answers, Refusal, answers
from opsverify.probes.postgres import open_session
from reference_platform import postgres as server
from reference_platform.launching import CLONE
from reference_platform.lifecycle import on_demand
from reference_platform.state import Platform
from tests.platform.judging import judge

ROLE_FILE = CLONE / "pipelines" / "postgres" / "read-only-role.sql"
DEBIAN = Path("/usr/lib/postgresql/15/bin")
PROBES = (
    connections.connections,
    connections.ceilings,
    sessions.sessions,
    tables.scans,
    tables.upkeep,
    indexes.indexes,
    statements.statements,
    statements.logging,
    roles.roles,
    archiving.archiving,
)
NEED_TO_READ_ALL = (
    connections.connections,
    sessions.sessions,
    statements.statements,
    archiving.archiving,
)
"""What a role without pg_monitor is not told."""
SECRET = "s3cr3t-canary"


def run(platform: Platform, *texts: str) -> None:
    """Statements as superuser in the platform's database, each by itself."""
    with server.admin(platform, server.DATABASE) as session:
        for text in texts:
            session.execute(text.encode())


@contextmanager
def role(platform: Platform, name: str, *made_by: str) -> Iterator[str]:
    """A login role for the length of the block; its connection string."""
    try:
        run(platform, *made_by, f"ALTER ROLE {name} PASSWORD 'of-a-test'")
        port = platform.settings.ports["postgres"]
        yield f"postgresql://{name}:of-a-test@127.0.0.1:{port}/midst"
    finally:
        run(platform, f"DROP ROLE IF EXISTS {name}")


def expecting(local: Environment, dsn_from: str, *logins: str) -> Postgres:
    """The platform's database by another variable, with further login roles."""
    assert local.postgres is not None
    there = local.postgres.roles
    more = there.model_copy(update={"login": (*(there.login or ()), *logins)})
    return local.postgres.model_copy(update={"dsn_from": dsn_from, "roles": more})


def seen_by(platform: Platform) -> Environment:
    """The environment afresh: what one run has asked is not asked again."""
    return load(Path(platform.environment))


def all_text(snapshot: Snapshot) -> str:
    """All that a snapshot can show."""
    return repr(snapshot) + "".join(one.text for one in snapshot.evidence)


def test_the_role_of_the_pipelines_sees_all_and_writes_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question is answered to exactly the role of that file, and the server refuses it a write."""
    environment = seen_by(platform)
    with role(platform, "opsverify", ROLE_FILE.read_text(encoding="utf-8")) as dsn:
        monkeypatch.setenv("READ_ONLY_URL", dsn)
        monitored = {"pg_monitor": ("midst", "opsverify"), "pg_read_all_data": ("engineer",)}
        under = expecting(environment, "READ_ONLY_URL", "opsverify")
        under = under.model_copy(update={"roles": under.roles.model_copy(update={"members": monitored})})
        seen = answers(environment, under)
        refused = [name for name, found in seen.found.items() if isinstance(found, Refusal)]
        assert (seen.trouble, refused) == (None, [])
        for probe in PROBES:
            snapshot = probe(environment, under)
            findings = [value for value in vars(snapshot).values() if isinstance(value, tuple)]
            assert [one for one in findings if one and isinstance(one[0], str)] == [], probe
        with open_session(conninfo_to_dict(dsn), within=2) as session:
            for setting in ("", "SET default_transaction_read_only = off;"):
                with pytest.raises(
                    (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)
                ):
                    session.execute(f"{setting} UPDATE profiles SET display_name = 'x'".encode())


def test_a_role_with_less_is_told_what_it_lacks(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it may not see could not be looked at, with the grant that is missing; the rest is judged."""
    environment = seen_by(platform)
    with role(platform, "visitor", "CREATE ROLE visitor LOGIN") as dsn:
        monkeypatch.setenv("VISITOR_URL", dsn)
        under = expecting(environment, "VISITOR_URL", "visitor")
        for probe in PROBES:
            if probe in NEED_TO_READ_ALL:
                with pytest.raises(CouldNotLook) as refused:
                    probe(environment, under)
                if probe is not statements.statements:  # it may not even be let into the view
                    assert refused.value.remedy == "GRANT pg_monitor TO visitor;"
            else:
                probe(environment, under)


def test_all_is_asked_once_in_two_round_trips(platform: Platform) -> None:
    """However many probes ask, and a refused connection is not tried again either."""
    environment = seen_by(platform)
    assert environment.postgres is not None
    first = answers(environment, environment.postgres)
    assert first.round_trips == 2
    assert answers(environment, environment.postgres) is first


@contextmanager
def made(platform: Platform, make: LiteralString, undo: LiteralString) -> Iterator[Environment]:
    """Something is there for the length of the block; the environment that sees it."""
    run(platform, *make.strip().split(";\n"))
    try:
        yield seen_by(platform)
    finally:
        run(platform, undo)


def test_hostile_names_are_quoted(platform: Platform) -> None:
    """A name with quotes, a line break and SQL in it stays a name, also in the statement that is shown."""
    name = 'x"; DROP TABLE profiles; --\n\x1b[31m'
    quoted = '"' + name.replace('"', '""') + '"'
    environment = seen_by(platform)
    run(platform, f"CREATE INDEX {quoted} ON profiles (identity_id)")
    try:
        assert environment.postgres is not None
        found = indexes.indexes(environment, environment.postgres)
    finally:
        run(platform, f"DROP INDEX {quoted}")
    assert 'DROP INDEX CONCURRENTLY public."x""; DROP TABLE profiles; -- \\x1b[31m";' in found.duplicate[0]
    assert "\x1b" not in all_text(found)


def test_what_a_statement_holds_is_not_shown(platform: Platform) -> None:
    """A huge statement with a secret in it, running and in the statistics: its beginning only."""
    environment = seen_by(platform)
    database = environment.postgres
    assert database is not None
    text = f"SELECT pg_sleep(0.3), '{SECRET}', '{'y' * 1_000_000}'"
    tight = environment.limits.model_copy(
        update={"statement_mean_at_most_milliseconds": 100.0, "statement_calls_at_least": 1}
    )
    environment = environment.model_copy(update={"limits": tight})
    with psycopg.connect(platform.settings.dsn, autocommit=True) as client:
        client.execute(text.encode())
        client.pgconn.send_query(f"SELECT '{SECRET}', pg_sleep(1)".encode())
        slow = statements.statements(environment, database)
        running = sessions.sessions(environment, database)
        while client.pgconn.get_result() is not None:  # to its end
            pass
    # of this one alone: other tests need the statistics of what ran often
    own = "FROM pg_stat_statements WHERE query LIKE '%pg_sleep%'"
    run(platform, f"SELECT pg_stat_statements_reset(userid, dbid, queryid) {own}")
    assert "SELECT pg_sleep($1), $2, $3" in slow.slow[0]
    assert SECRET not in all_text(slow) + all_text(running)
    assert "SELECT '…'" in all_text(running)


def test_two_thousand_tables_are_asked_within_the_time(platform: Platform) -> None:
    """A database of many tables is judged like a small one; no question is refused."""
    numbers = "FOR n IN 1..2000 LOOP EXECUTE format"
    run(
        platform,
        f"DO $$ BEGIN {numbers}('CREATE TABLE many_%s (id int PRIMARY KEY, a int)', n); END LOOP; END $$",
    )
    try:
        environment = seen_by(platform)
        assert environment.postgres is not None
        seen = answers(environment, environment.postgres)
    finally:
        for low in range(1, 2000, 500):  # locks are counted
            run(
                platform,
                f"DO $$ BEGIN FOR n IN {low}..{low + 499} LOOP"
                " EXECUTE format('DROP TABLE many_%s', n); END LOOP; END $$",
            )
    assert seen.trouble is None
    assert [name for name, found in seen.found.items() if isinstance(found, Refusal)] == []
    owners = {row["owner"]: row["objects"] for row in seen.rows("owners")}
    assert owners["postgres"] >= 2000


def test_roles_that_nobody_declared_are_not_judged(platform: Platform) -> None:
    """Then it could not be looked at; the evidence has those that there are."""
    environment = seen_by(platform)
    assert environment.postgres is not None
    bare = environment.postgres.model_copy(update={"roles": Roles()})
    with pytest.raises(CouldNotLook, match="does not say which roles are expected") as refused:
        roles.roles(environment, bare)
    assert "midst" in "".join(one.text for one in refused.value.evidence)


def test_missing_roles_are_named_like_surprising_ones(platform: Platform) -> None:
    """Both ways, for logins, members and owners, with the statement that would change it."""
    environment = seen_by(platform)
    assert environment.postgres is not None
    other = Roles(
        superusers=("postgres", "dba"),
        login=("postgres", "midst"),
        members={"pg_monitor": ()},
        owners=("postgres",),
    )
    found = roles.roles(environment, environment.postgres.model_copy(update={"roles": other}))
    said = "\n".join(found.different)
    assert "superuser dba is expected and not there" in said
    assert "unexpected login role engineer; ALTER ROLE engineer NOLOGIN;" in said
    assert "unexpected member of pg_monitor midst; REVOKE pg_monitor FROM midst;" in said
    assert "midst owns" in said


def test_statistics_too_young_are_no_verdict(platform: Platform) -> None:
    """An index without a scan in a few seconds is neither used nor unused."""
    table: LiteralString = (
        "CREATE TABLE young AS SELECT n FROM generate_series(1, 100000) AS n;\n"
        "CREATE INDEX young_n ON young (n)"
    )
    with made(platform, table, "DROP TABLE young") as environment:
        assert environment.postgres is not None
        limits = environment.limits.model_copy(update={"index_statistics_at_least_days_old": 7.0})
        judged = environment.model_copy(update={"limits": limits})
        with pytest.raises(CouldNotLook, match="too young") as refused:
            indexes.indexes(judged, environment.postgres)
        assert "1 were not used, such as public.young_n" in (refused.value.remedy or "")


def test_indexes_of_constraints_are_spared(platform: Platform) -> None:
    """Primary, unique, and those that a foreign key is looked up by go unused for good reason."""
    table: LiteralString = (
        "CREATE TABLE kept (id int PRIMARY KEY, a int UNIQUE, b int REFERENCES kept);\n"
        "INSERT INTO kept SELECT n, n, n FROM generate_series(1, 50000) AS n;\n"
        "CREATE INDEX kept_b ON kept (b);\n"
        "SELECT pg_stat_reset_single_table_counters(c) FROM (VALUES ('kept'::regclass), ('kept_pkey')) v (c)"
    )
    with made(platform, table, "DROP TABLE kept") as environment:
        assert environment.postgres is not None
        found = indexes.indexes(environment, environment.postgres)
        assert [one for one in found.unused + found.duplicate if "kept" in one] == []


def test_a_setting_of_a_role_is_seen_too(platform: Platform) -> None:
    """Logging of all statements can be switched on for one role, or one database."""
    with made(
        platform,
        "ALTER ROLE engineer IN DATABASE midst SET log_statement = 'all';\n"
        "ALTER DATABASE midst SET log_min_duration_statement = 0",
        "ALTER ROLE engineer IN DATABASE midst RESET log_statement",
    ) as environment:
        assert environment.postgres is not None
        found = statements.logging(environment, environment.postgres)
        run(platform, "ALTER DATABASE midst RESET log_min_duration_statement")
    said = "\n".join(found.left_on)
    assert "ALTER ROLE engineer IN DATABASE midst RESET log_statement;" in said
    assert "ALTER DATABASE midst RESET log_min_duration_statement;" in said


def test_ten_replicas_of_thirty_do_not_fit(platform: Platform) -> None:
    """Pools are counted at the most replicas that there may be."""
    environment = seen_by(platform)
    api, *others = environment.services
    assert environment.postgres is not None
    large = environment.model_copy(
        update={"services": (api.model_copy(update={"pool": 30, "replicas_at_most": 10}), *others)}
    )
    found = connections.ceilings(large, environment.postgres)
    assert (found.pools, found.allowed) == (303, server.SLOTS - 3)
    none = environment.model_copy(
        update={"services": tuple(one.model_copy(update={"pool": None}) for one in environment.services)}
    )
    with pytest.raises(CouldNotLook, match="no service says how large its pool is"):
        connections.ceilings(none, environment.postgres)


def test_all_is_asked_of_a_server_of_fifteen_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of the catalogues of 15: every question is answered, and a healthy server is judged so."""
    if not (DEBIAN / "initdb").exists():
        lacking = "PostgreSQL 15 is not installed: apt-get install postgresql-15"
        assert "CI" not in os.environ, lacking
        pytest.skip(lacking)
    monkeypatch.setenv("PG_BIN", str(DEBIAN))
    with on_demand(tmp_path / "none") as old:
        environment = seen_by(old)
        assert environment.postgres is not None
        seen: Answers = answers(environment, environment.postgres)
        assert seen.version // 10_000 == 15
        assert [name for name, found in seen.found.items() if isinstance(found, Refusal)] == []
        assert set(judge(Path(old.environment), ["database"]).values()) == {"passed"}
