"""The platform's Redis: a real Valkey server with a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_platform import ports, programs
from reference_platform.processes import MARK, Failed, Process, Program, end_of, stop
from reference_platform.state import Platform
from reference_platform.waiting import until

if TYPE_CHECKING:
    import redis


MEMORY = "128mb"
WARMED_KEY = "taxonomy:warmed"
WARMED_FOR_SECONDS = 60
WARM_LOOKUPS = 2000
"""A cache that nobody has asked yet has no hit rate."""


def start(platform: Platform) -> Process:
    """Start the server without waiting for it. What it held when it was stopped is there again.

    Raises:
        Lacking: no Valkey is here.
        Failed: it ended at once.
    """
    folder = platform.redis_folder
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = platform.settings
    lines = (
        f"bind {ports.LOOPBACK}",
        f"port {settings.ports['redis']}",
        f'dir "{folder}"',
        "daemonize no",
        # Of what ends soonest first: counters end last, and the queue never.
        f"maxmemory {MEMORY}",
        "maxmemory-policy volatile-ttl",
        # The password of the ordinary user can be changed under it; the upkeep has a user of its own.
        f"requirepass {settings.redis_password}",
        f"user admin on >{settings.redis_admin_password} ~* &* +@all",
        # Written on an orderly stop only; the environment that marks the process stays readable.
        "save 86400 1000000",
        "set-proc-title no",
    )
    configuration = folder / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
    process = Program(
        command=(programs.valkey_server(), configuration),
        folder=folder,
        variables={MARK: platform.entry.id, "LC_ALL": "C", "TZ": "UTC"},
        output=platform.log("redis"),
    ).start()
    platform.entry.remember("redis", process)
    return process


def wait(platform: Platform, process: Process) -> None:
    """Wait until the server answers.

    Raises:
        Failed: it ended; with the end of its log.
        NotInTime: it did not answer.
    """
    until(lambda: _answers(platform, process), within=10, what="Valkey answers")
    look_up(platform, WARMED_KEY, times=WARM_LOOKUPS)


def look_up(platform: Platform, key: str, *, times: int) -> None:
    """Look a key up in the cache, as its users do; the one that is warmed is there, others are not."""
    with admin(platform) as client, client.pipeline(transaction=False) as pipe:
        pipe.set(WARMED_KEY, "[]", ex=WARMED_FOR_SECONDS)
        for _ in range(times):
            pipe.get(key)
        pipe.execute()


def stop_server(platform: Platform) -> None:
    """Stop the server as an operator would: what it holds is written down first."""
    process = platform.process("redis")
    if process is not None:
        stop([process], within=5)
    platform.entry.forget("redis")


def admin(platform: Platform, *, database: int = 0) -> redis.Redis:
    """A client of the upkeep's own user, whatever the ordinary password is.

    Args:
        platform: whose server it is.
        database: 0 is the cache's, `QUEUE_DATABASE` that of queue and counters.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        f"{platform.settings.redis_admin_url}/{database}",
        socket_timeout=5,
        socket_connect_timeout=5,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        client_name="reference_platform",
    )


def _answers(platform: Platform, process: Process) -> bool:
    import redis

    if not process.alive():
        raise Failed(f"Valkey ended:\n{end_of(platform.log('redis'))}")
    try:
        with admin(platform) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
