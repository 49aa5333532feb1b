"""A look cannot write: tried at each store, on an environment that is not even protected."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from opsverify.environment import Environment
from opsverify.looking import CouldNotLook
from opsverify.probes import postgres, redis
from reference_platform.state import Platform


def test_a_session_at_postgres_cannot_write(platform: Platform) -> None:
    """Every transaction is read-only, by the server's own word, and carries timeouts and a name."""
    login = conninfo_to_dict(platform.settings.dsn)
    with postgres.open_session(login, within=2) as session:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.execute("CREATE TABLE forbidden (id int)")
        settings = {
            name: session.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in (
                "default_transaction_read_only",
                "statement_timeout",
                "lock_timeout",
                "application_name",
            )
        }
    assert settings == {
        "default_transaction_read_only": ("on",),
        "statement_timeout": ("2s",),
        "lock_timeout": ("2s",),
        "application_name": ("opsverify",),
    }


def test_a_statement_at_postgres_ends_in_time(platform: Platform) -> None:
    """The server itself ends what takes too long."""
    login = conninfo_to_dict(platform.settings.dsn)
    with postgres.open_session(login, within=0.2) as session, pytest.raises(psycopg.errors.QueryCanceled):
        session.execute("SELECT pg_sleep(30)")


@pytest.mark.parametrize(
    "command", ["SET key value", "DEL key", "FLUSHDB", "CONFIG SET maxmemory 0", "KEYS *"]
)
def test_a_client_at_redis_sends_reads_only(platform: Platform, command: str) -> None:
    """A command that writes, or that stops a large server, is refused before it is sent."""
    with redis.open_client(platform.settings.redis_url, within=2) as client:
        with pytest.raises(redis.Refused):
            client.execute_command(*command.split())
        with pytest.raises(redis.Refused):
            client.pipeline()
        assert client.execute_command("DBSIZE") >= 0


def test_the_wrong_target_is_not_connected_to(local: Environment) -> None:
    """A variable that points at another server or database than the file names: nothing is sent."""
    assert local.postgres is not None
    assert local.redis is not None
    elsewhere = local.postgres.model_copy(update={"host": "db.production"})
    with pytest.raises(CouldNotLook, match=r"the environment file says 'db\.production'"):
        postgres.connection(local, elsewhere)
    other = local.postgres.model_copy(update={"database": "midst_prod"})
    with pytest.raises(CouldNotLook, match="points at database 'midst'"):
        postgres.connection(local, other)
    away = local.redis.model_copy(update={"host": "redis.production"})
    with pytest.raises(CouldNotLook, match=r"the environment file says 'redis\.production'"):
        redis.ping(local, away)


def test_a_broken_connection_string_is_not_repeated(
    local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read as a connection string is named by its variable only."""
    assert local.postgres is not None
    monkeypatch.setenv("A_DSN", "host=h password=s3cr3t nonsense")
    broken = local.postgres.model_copy(update={"dsn_from": "A_DSN", "database": None})
    with pytest.raises(CouldNotLook, match="the variable A_DSN holds no PostgreSQL connection") as error:
        postgres.connection(local, broken)
    assert "s3cr3t" not in str(error.value)


def test_a_dsn_that_cannot_be_used_is_not_repeated(
    local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only connecting shows to be wrong is seen, without the secret."""
    assert local.postgres is not None
    monkeypatch.setenv("A_DSN", "postgresql://u:s3cr3t@127.0.0.1:port/db")
    broken = local.postgres.model_copy(update={"dsn_from": "A_DSN", "database": None})
    seen = postgres.connection(local, broken)
    assert seen.answer != 1
    assert "s3cr3t" not in repr(seen) + seen.evidence[0].text


@pytest.mark.parametrize("value", ["http://:s3cr3t@h", "redis://:s3cr3t@h:port", "s3cr3t"])
def test_a_broken_redis_address_is_not_repeated(
    local: Environment, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Likewise for Redis."""
    assert local.redis is not None
    monkeypatch.setenv("AN_ADDRESS", value)
    with pytest.raises(CouldNotLook, match="the variable AN_ADDRESS holds no Redis address") as error:
        redis.ping(local, local.redis.model_copy(update={"url_from": "AN_ADDRESS"}))
    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db.guarded hostaddr=127.0.0.1 port={port} user=midst dbname=midst",
        "host=db.guarded,127.0.0.1 port={port},{port} user=midst dbname=midst",
        "service=elsewhere dbname=midst",
        "dbname=midst",
        "postgresql://midst@db.guarded:{port}/midst?host=127.0.0.1",
    ],
)
def test_no_way_around_the_guard(
    platform: Platform, local: Environment, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    """Whatever a connection string can name a server by is held against the environment file."""
    assert local.postgres is not None
    monkeypatch.setenv("A_DSN", dsn.format(port=platform.settings.ports["postgres"]))
    guarded = local.postgres.model_copy(update={"dsn_from": "A_DSN", "host": "DB.guarded"})
    with pytest.raises(CouldNotLook, match="points at host"):
        postgres.connection(local, guarded)


def test_parameters_of_other_clients_are_left_out(
    platform: Platform, local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prisma's `schema`, ioredis' `family`, and what would loosen a look's bounds."""
    assert local.postgres is not None
    assert local.redis is not None
    monkeypatch.setenv("A_DSN", f"{platform.settings.dsn}?schema=public&connect_timeout=3&pgbouncer=true")
    monkeypatch.setenv(
        "AN_ADDRESS", f"{platform.settings.redis_url}?family=6&socket_timeout=99&decode_responses=1"
    )
    dsn = local.postgres.model_copy(update={"dsn_from": "A_DSN"})
    address = local.redis.model_copy(update={"url_from": "AN_ADDRESS"})
    assert postgres.connection(local, dsn).answer == 1
    assert redis.ping(local, address).answer == "PONG"
