"""The verbs of which faults are made. Each gives what is done, how it is undone, and what it blinds."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import LiteralString

from reference_platform import files, launching, postgres, valkey
from reference_platform.faults import slots
from reference_platform.faults.model import Verb
from reference_platform.processes import Process
from reference_platform.records.deployments import restarted
from reference_platform.records.keeping import keep
from reference_platform.services.sickness import Answer, read, write
from reference_platform.state import Platform
from reference_platform.waiting import until

IDLE_TOO_LONG_SECONDS = 5.2
"""Beyond the limit that environments/local.toml sets."""
START_KNOWN_TO_SECONDS = 1.2
"""The start of a process is counted from a boot time in whole seconds."""


def stop(part: str) -> Verb:
    """A service, `postgres` or `redis` does not run; its port refuses connections."""

    def do(platform: Platform) -> None:
        _stop(platform, part)
        if part == "postgres":
            _forget_caches(platform)

    def undo(platform: Platform) -> None:
        if platform.process(part) is None:
            _start(platform, part)
            write_down_restart(platform, part)

    return Verb(f"{part} is stopped", do, undo, frozenset({part}))


def freeze(part: str) -> Verb:
    """A service, `postgres` or `redis` hangs: it takes connections and never answers."""

    def signal_all(platform: Platform, number: signal.Signals) -> None:
        process = platform.process(part)
        # The parent first: it would start new children meanwhile.
        for one in _whole(process, part) if process is not None else []:
            one.signal(number)

    def do(platform: Platform) -> None:
        signal_all(platform, signal.SIGSTOP)
        if part == "postgres":
            _forget_caches(platform)
        elif part == "api":  # what holds sessions lets them idle while it hangs
            until(
                lambda: postgres.holds_idle_sessions(platform, part, seconds=IDLE_TOO_LONG_SECONDS),
                within=2 * IDLE_TOO_LONG_SECONDS,
                what=f"the sessions of the {part} idle too long",
            )

    def undo(platform: Platform) -> None:
        signal_all(platform, signal.SIGCONT)
        if part == "postgres" and platform.process(part) is not None:
            until(partial(_forgets, platform), within=10, what="PostgreSQL forgets what was slow")

    return Verb(f"{part} hangs", do, undo, frozenset({part}))


def answer(service: str, words: str, how: Answer, *, blinds: frozenset[str] = frozenset()) -> Verb:
    """A service answers a path otherwise than it would.

    Args:
        service: whose path it is.
        words: what it does then: "answers 500 on its health path".
        how: the faulty answer.
        blinds: what cannot be looked at then.
    """

    def do(platform: Platform) -> None:
        file = platform.sick(service)
        write(file, (*read(file), how))

    def undo(platform: Platform) -> None:
        file = platform.sick(service)
        write(file, tuple(one for one in read(file) if one != how))

    return Verb(f"{service} {words}", do, undo, blinds)


def sign_anew(service: str, words: str, *, only_previous: bool = False) -> Verb:
    """A service cannot tell who signed a token.

    Args:
        service: whose routes they are.
        words: what it does then.
        only_previous: only tokens signed with the secret before the last rotation pass.
    """

    def verb(platform: Platform) -> Verb:
        settings = platform.settings
        previous = settings.previous_jwt_secret if only_previous else None
        how = Answer(path="/v1/*", signs_with=settings.jwt_secret, only_signed_with=previous)
        return answer(service, words, how)

    return Verb(
        f"{service} {words}",
        lambda platform: verb(platform).do(platform),
        lambda platform: verb(platform).undo(platform),
    )


def sql(words: str, do: LiteralString, *, undo: LiteralString, database: str = postgres.DATABASE) -> Verb:
    """A statement was run on the database, as superuser; another one undoes it."""

    def run(platform: Platform, statement: LiteralString) -> None:
        with postgres.admin(platform, database) as session:
            session.execute(statement)

    return Verb(words, partial(run, statement=do), partial(run, statement=undo))


def change_postgres_password() -> Verb:
    """PostgreSQL has another password for the role than the variable says. Open sessions go on."""

    def change(platform: Platform, *, back: bool) -> None:
        password = platform.settings.postgres_password if back else secrets.token_urlsafe(24)
        postgres.set_password(platform, password)

    return Verb(
        "postgres refuses the password",
        partial(change, back=False),
        partial(change, back=True),
        frozenset({"postgres"}),
    )


def change_redis_password() -> Verb:
    """Redis has another password than the variable says, and ended the sessions of the old one."""

    def change(platform: Platform, *, back: bool) -> None:
        password = platform.settings.redis_password if back else secrets.token_urlsafe(24)
        with valkey.admin(platform) as client:
            client.config_set("requirepass", password)
            client.execute_command("CLIENT", "KILL", "USER", "default")

    return Verb(
        "redis refuses the password",
        partial(change, back=False),
        partial(change, back=True),
        frozenset({"redis"}),
    )


def use_up_slots() -> Verb:
    """All of PostgreSQL's connection slots are held. Sessions that are open go on."""
    return Verb("no connection slot is left", slots.take, slots.free, frozenset({"postgres"}))


def both(words: str, *verbs: Verb) -> Verb:
    """Several things at once, undone in the opposite order."""

    def do(platform: Platform) -> None:
        for verb in verbs:
            verb.do(platform)

    def undo(platform: Platform) -> None:
        for verb in reversed(verbs):
            verb.undo(platform)

    return Verb(words, do, undo, frozenset().union(*(verb.blinds for verb in verbs)))


def restart_with(service: str, words: str, variables: Mapping[str, str]) -> Verb:
    """A service was restarted with other variables than its store has.

    Args:
        service: one of `launching.LISTENS_ON`.
        words: what is then the case: "has another JWT_SECRET".
        variables: in place of its own.
    """

    def restart(platform: Platform, told: Mapping[str, str] | None) -> None:
        _restart(platform, service, told)
        write_down_restart(platform, service)

    return Verb(f"{service} {words}", partial(restart, told=variables), partial(restart, told=None))


def restart_unexplained(service: str) -> Verb:
    """A service ended and was started again, and nobody wrote down why."""

    def do(platform: Platform) -> None:
        # a start is known to a second, and one on record may have just been
        launching.stop_service(platform, service)
        ended = time.monotonic()
        until(lambda: time.monotonic() - ended > START_KNOWN_TO_SECONDS, within=5, what="a second passes")
        launching.start(platform, service)
        launching.wait(platform, [service])

    return Verb(f"{service} was killed and restarted", do, partial(write_down_restart, part=service))


def send_api_elsewhere() -> Verb:
    """The front sends what is meant for the api to the orchestrator."""

    def do(platform: Platform) -> None:
        to = {
            platform.settings.ports["public-api"]: [platform.settings.url("orchestrator")],
            platform.settings.ports["public-web"]: [platform.settings.url("web")],
        }
        restart_with("front", "", {"FRONT_BACKENDS": json.dumps(to)}).do(platform)

    return Verb("the front sends the api's paths to the orchestrator", do, restart_with("front", "", {}).undo)


def set_in_store(name: str, value: str | None) -> Verb:
    """A variable in the services' store is another, or gone (None); what runs has not noticed."""

    def do(platform: Platform) -> None:
        variables = dict(platform.settings.variables())
        variables.pop(name, None)
        files.write_dotenv(platform.store, variables | ({} if value is None else {name: value}))

    def undo(platform: Platform) -> None:
        files.write_dotenv(platform.store, platform.settings.variables())

    what = "is gone from" if value is None else "is another in"
    return Verb(f"{name} {what} the store", do, undo)


def need_in_template(name: str) -> Verb:
    """The release to come needs a variable that the store has not."""

    def do(platform: Platform) -> None:
        files.write_template(platform, name)

    return Verb(f"the release to come needs {name}", do, files.write_template)


def write_down_restart(platform: Platform, part: str) -> None:
    """Put a restart on record, as an operator would; only of what says since when it runs."""
    if part in launching.NEED_THE_DATABASE and platform.process(part) is not None:
        launching.wait(platform, [part])
        service = part.partition("-")[0]
        keep(platform, {f"restarts/{part}.toml": restarted(service, datetime.now(UTC))})


def _forgets(platform: Platform) -> bool:
    import psycopg

    try:
        postgres.forget_slow_statements(platform)
    except psycopg.OperationalError:  # it does not take connections again yet
        return False
    return True


def _restart(platform: Platform, service: str, told: Mapping[str, str] | None) -> None:
    launching.stop_service(platform, service)
    launching.start(platform, service, variables=told)
    launching.wait(platform, [service])


def _forget_caches(platform: Platform) -> None:
    """Nothing is served from a cache, so that what is seen does not depend on what was asked before."""
    with valkey.admin(platform) as client:
        for key in client.scan_iter("taxonomy:*"):
            client.delete(key)


def _stop(platform: Platform, part: str) -> None:
    if part in launching.LISTENS_ON:
        launching.stop_service(platform, part)
    else:
        {"postgres": postgres.stop_server, "redis": valkey.stop_server}[part](platform)


def _start(platform: Platform, part: str) -> None:
    if part == "postgres":
        postgres.start(platform)
    elif part == "redis":
        valkey.wait(platform, valkey.start(platform))
    else:
        launching.start(platform, part)


def _whole(process: Process, part: str) -> list[Process]:
    return postgres.whole(process) if part == "postgres" else [process]
