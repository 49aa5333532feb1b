"""What Redis says: read-only commands only, each bounded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opsverify.cost import charge
from opsverify.environment import Environment, Redis
from opsverify.evidence import Evidence, one_line
from opsverify.looking import NO_ANSWER, CouldNotLook, Snapshot, in_seconds

if TYPE_CHECKING:
    import redis as client_library

IMPORTS = ("redis",)
"""What is imported before the looks start, and not in their threads."""

URL_OPTIONS = frozenset({"db", "ssl_ca_certs"})
PASSWORD_REFUSED = "the password is refused"  # noqa: S105 - what is said of one
READ_ONLY_COMMANDS = frozenset(
    {"PING", "INFO", "CONFIG GET", "DBSIZE", "SCAN", "TTL", "TYPE", "LLEN", "LINDEX", "MEMORY USAGE", "TIME"}
)
"""All that a look may send. KEYS is not among them: it stops a large server while it answers."""


class Refused(Exception):
    """A command that a look must not send."""


@dataclass(frozen=True, kw_only=True)
class Ping(Snapshot):
    """What came of connecting and asking PING."""

    answer: str
    """PONG, or what came instead: `connection refused`, `the password is refused`."""
    seconds: float


def ping(environment: Environment, redis: Redis) -> Ping:
    """Connect and ask PING once.

    Raises:
        CouldNotLook: the variable is unset, holds no address, or points at another server than
            the environment names. Nothing was connected to then.
    """
    import redis as client_library

    within = environment.limits.redis_answer_at_most_seconds
    url = url_of(environment, redis)
    where = place(url)
    began = time.monotonic()
    trouble: str | None = None
    try:
        with open_client(url, within=within) as client:
            # as it was said: the library would make True of it
            client.set_response_callback("PING", bytes)
            answer = one_line(client.execute_command("PING"))
    except (client_library.RedisError, OSError) as error:
        trouble = plain_words(error)
        answer = in_seconds(trouble, within)
    seconds = time.monotonic() - began
    return Ping(
        where=where,
        answer=answer,
        seconds=seconds,
        evidence=(Evidence("PING", f"{where}\nPING\n\nanswer: {answer} (after {seconds * 1000:.0f} ms)"),),
        unreachable=trouble,
    )


def place(url: str) -> str:
    """Where an address leads, without its secrets."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"redis://{host}:{parts.port or 6379}{parts.path}"


def open_client(url: str, *, within: float) -> client_library.Redis:
    """A client that sends read-only commands and nothing else.

    Args:
        url: the server's address.
        within: seconds to connect, and for each answer.

    Raises:
        Refused: on use, when a command is not in `READ_ONLY_COMMANDS`.
    """
    import redis as client_library
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    class ReadOnly(client_library.Redis):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            _refuse_writes(args)
            charge(requests=1)
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

        def pipeline(self, *_: Any, **__: Any) -> Any:
            raise Refused("a look must not open a pipeline to Redis: its commands are not checked")

        def transaction(self, *_: Any, **__: Any) -> Any:
            raise Refused("a look must not open a transaction at Redis")

    return ReadOnly.from_url(
        url,
        socket_connect_timeout=within,
        socket_timeout=within,
        single_connection_client=False,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )


def ask_together(client: client_library.Redis, commands: Sequence[tuple[bytes | str, ...]]) -> list[Any]:
    """Send several read-only commands at once; an answer each, which is an error where the server refused.

    Raises:
        Refused: one is not in `READ_ONLY_COMMANDS`; none was sent.
    """
    import redis as client_library

    for command in commands:
        _refuse_writes(command)
    charge(requests=len(commands))
    # the client itself opens none
    with client_library.Redis.pipeline(client, transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers


def _refuse_writes(command: Sequence[bytes | str]) -> None:
    words = [str(word).upper() for word in command[:2]]
    if words[0] not in READ_ONLY_COMMANDS and " ".join(words) not in READ_ONLY_COMMANDS:
        raise Refused(f"a look must not send {words[0]} to Redis")


def url_of(environment: Environment, redis: Redis, *, of_queue: bool = False) -> str:
    """The server's address from its variable, after the guards of the environment file.

    Args:
        environment: whose variables hold it.
        redis: which server.
        of_queue: where queue and counters are, as far as that is elsewhere.

    Raises:
        CouldNotLook: it is unset, holds no address, or points elsewhere.
    """
    name = redis.queue_url_from if of_queue and redis.queue_url_from else redis.url_from
    url = environment.secrets.require(name, of=redis.name).get_secret_value()
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError when it is none
        scheme, host = parts.scheme, parts.hostname
    except ValueError:
        scheme, host = "", None
    if host is None or scheme not in {"redis", "rediss"}:
        raise CouldNotLook(
            redis.name,
            f"the variable {name} holds no Redis address",
            remedy="Expected: redis://:PASSWORD@HOST:PORT/DB, or rediss:// for TLS.",
        )
    if redis.host is not None and host.lower() != redis.host.lower():
        raise CouldNotLook(
            redis.name,
            f"the variable {name} points at host {host!r}, the environment file says {redis.host!r}",
            remedy="Nothing was connected to. Correct whichever of the two is wrong.",
        )
    return _without_options(url)


def _without_options(url: str) -> str:
    """An address without other clients' options, and without those that would loosen a look's bounds."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair.partition("=")[0] in URL_OPTIONS]
    return parts._replace(query="&".join(kept)).geturl()


def plain_words(error: Exception) -> str:
    """Why Redis did not answer, in words that do not change from run to run."""
    import redis as client_library

    text = str(error)
    if isinstance(error, client_library.TimeoutError):
        return NO_ANSWER
    if isinstance(error, client_library.AuthenticationError) or "WRONGPASS" in text or "NOAUTH" in text:
        return PASSWORD_REFUSED
    if "refused" in text:
        return "connection refused"
    if "Name or service not known" in text or "nodename nor servname" in text:
        return "the name does not resolve"
    return one_line(text)
