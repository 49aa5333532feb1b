"""What a role of PostgreSQL may do, as its catalogue says: every way in which it could write is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsverify.environment import Environment
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.probes.engineer import Rights, rights
from reference_platform import postgres
from reference_platform.state import Platform


def look(platform: Platform) -> Rights:
    """What the engineer's credentials open now."""
    environment: Environment = load(Path(platform.environment))
    assert environment.access is not None
    return rights(environment, environment.access)


@pytest.fixture
def changed(platform: Platform) -> Iterator[list[str]]:
    """Statements to undo what a test did, the last first."""
    undo: list[str] = []
    yield undo
    _run(platform, *reversed(undo))


def _run(platform: Platform, *statements: str) -> None:
    with postgres.admin(platform, postgres.DATABASE) as session:
        for statement in statements:
            session.execute(statement.encode())


def test_the_engineer_reads_and_no_more(platform: Platform) -> None:
    """As it is brought up; the evidence says who logged in, and to what, without the password."""
    seen = look(platform)
    assert (seen.missing, seen.beyond) == ((), ())
    shown = "".join(one.text for one in seen.evidence)
    assert "logged in as engineer to midst" in shown
    assert platform.settings.engineer_password not in shown


@pytest.mark.parametrize(
    ("do", "undo", "words"),
    [
        ("GRANT INSERT ON tasks TO engineer", "REVOKE INSERT ON tasks FROM engineer", "tasks (INSERT)"),
        (
            "GRANT UPDATE (slug) ON profiles TO engineer",
            "REVOKE UPDATE (slug) ON profiles FROM engineer",
            "profiles (UPDATE)",
        ),
        ("GRANT TRUNCATE ON tasks TO PUBLIC", "REVOKE TRUNCATE ON tasks FROM PUBLIC", "tasks (TRUNCATE)"),
        (
            "GRANT pg_write_all_data TO engineer",
            "REVOKE pg_write_all_data FROM engineer",
            "is a member of pg_write_all_data",
        ),
        # one that it does not inherit from, but can become
        (
            """CREATE ROLE writer; GRANT DELETE ON tasks TO writer;
            ALTER ROLE engineer NOINHERIT; GRANT writer TO engineer""",
            "ALTER ROLE engineer INHERIT; DROP OWNED BY writer; DROP ROLE writer",
            "tasks (DELETE)",
        ),
        ("ALTER ROLE engineer SUPERUSER", "ALTER ROLE engineer NOSUPERUSER", "is a superuser"),
        ("ALTER ROLE engineer CREATEROLE", "ALTER ROLE engineer NOCREATEROLE", "may make roles"),
        ("ALTER ROLE engineer CREATEDB", "ALTER ROLE engineer NOCREATEDB", "may make databases"),
        (
            "CREATE TABLE hers (id int); ALTER TABLE hers OWNER TO engineer",
            "DROP TABLE hers",
            "owns table hers",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO engineer",
            "REVOKE CREATE ON SCHEMA public FROM engineer",
            "may make objects in schema public",
        ),
        (
            "CREATE SEQUENCE numbers; GRANT USAGE ON SEQUENCE numbers TO engineer",
            "DROP SEQUENCE numbers",
            "may advance sequence numbers",
        ),
    ],
)
def test_each_way_to_write_is_seen(
    platform: Platform, changed: list[str], do: str, undo: str, words: str
) -> None:
    """Without trying any."""
    changed.append(undo)
    _run(platform, do)
    found = look(platform).beyond
    assert any(words in one for one in found), found


def test_a_table_that_is_gone_or_closed_is_named(platform: Platform, changed: list[str]) -> None:
    """Whether it is not there or may not be read makes a difference to who mends it."""
    changed.append("ALTER TABLE subscriptions_away RENAME TO subscriptions")
    _run(platform, "ALTER TABLE subscriptions RENAME TO subscriptions_away")
    assert look(platform).missing == ("postgres: there is no subscriptions",)


@pytest.mark.parametrize(
    ("do", "undo", "words"),
    [
        ("ALTER ROLE engineer PASSWORD 'other'", None, "the password is refused"),
        ("ALTER ROLE engineer NOLOGIN", "ALTER ROLE engineer LOGIN", "not permitted to log in"),
        (
            "REVOKE CONNECT ON DATABASE midst FROM PUBLIC",
            "GRANT CONNECT ON DATABASE midst TO PUBLIC",
            "permission denied for database",
        ),
    ],
)
def test_who_may_not_come_in_lacks_the_right(
    platform: Platform, changed: list[str], do: str, undo: str | None, words: str
) -> None:
    """That is a finding: reaching it is what the check is about."""
    changed.append(undo or f"ALTER ROLE engineer PASSWORD '{platform.settings.engineer_password}'")
    _run(platform, do)
    (found,) = look(platform).missing
    assert words in found


def test_a_server_that_is_not_there_is_no_finding(platform: Platform) -> None:
    """It says nothing of rights."""
    environment = load(Path(platform.environment))
    assert environment.access is not None
    access = environment.access.model_copy(update={"dsn_from": "DATABASE_URL"})
    nowhere = platform.state / "nowhere.env"
    nowhere.write_text("DATABASE_URL=postgresql://x:y@127.0.0.1:1/midst\n", encoding="utf-8")
    away = environment.model_copy(update={"env_file": nowhere})
    with pytest.raises(CouldNotLook, match="connection refused"):
        rights(away, access)
