"""What PostgreSQL says: one session, read-only, bounded, under a name of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsverify.cost import charge
from opsverify.environment import Environment, PgBouncer, Postgres
from opsverify.evidence import Evidence, one_line
from opsverify.looking import NO_ANSWER, CouldNotLook, Snapshot, in_seconds

if TYPE_CHECKING:
    import psycopg

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""

APPLICATION_NAME = "opsverify"

REFUSALS = {
    "28P01": "the password is refused",
    "28000": "the login is refused",
    "3D000": "the database does not exist",
    "53300": "no connection slot is left",
    "57P03": "the server is starting up or shutting down",
}
"""SQLSTATE of a refused login (PostgreSQL documentation, appendix A) in plain words."""


@dataclass(frozen=True, kw_only=True)
class Connection(Snapshot):
    """What came of connecting and asking `SELECT 1`."""

    answer: int | str
    """1, or what came instead: `connection refused`, `no connection slot is left`."""
    seconds: float


def connection(environment: Environment, postgres: Postgres) -> Connection:
    """Connect and ask `SELECT 1` once.

    Raises:
        CouldNotLook: the variable is unset, holds no connection string, or points at another
            server than the environment names. Nothing was connected to then.
    """
    import psycopg

    within = environment.limits.postgres_answer_at_most_seconds
    login = login_of(environment, postgres)
    where = place(login)
    began = time.monotonic()
    trouble: str | None = None
    answer: int | str
    try:
        with open_session(login, within=within) as session:
            charge(statements=1)
            row = session.execute("SELECT 1").fetchone()
            answer = row[0] if row else "no row"
    except psycopg.Error as error:
        trouble = plain_words(error)
        answer = in_seconds(trouble, within)
    seconds = time.monotonic() - began
    said = f"answer: {answer} (after {seconds * 1000:.0f} ms)"
    return Connection(
        where=where,
        answer=answer,
        seconds=seconds,
        evidence=(Evidence("SELECT 1", f"{where}\nSELECT 1\n\n{said}"),),
        unreachable=trouble,
    )


def open_session(login: dict[str, Any], *, within: float) -> psycopg.Connection[tuple[Any, ...]]:
    """A session that cannot write and cannot wait long, on any environment.

    The server enforces both: every transaction starts read-only, and statements, locks and idle
    transactions have timeouts. Journeys, which write, open sessions of their own.

    Args:
        login: connection parameters, as from `psycopg.conninfo.conninfo_to_dict`.
        within: seconds to connect, and for each statement.
    """
    import psycopg

    timeout = max(1, int(within * 1000))
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(timeout),
        "lock_timeout": str(timeout),
        "idle_in_transaction_session_timeout": str(timeout),
    }
    options = [login.get("options") or "", *(f"-c {name}={value}" for name, value in settings.items())]
    named = {
        **login,
        "application_name": APPLICATION_NAME,
        # libpq counts whole seconds and takes 1 as 2
        "connect_timeout": str(max(2, round(within))),
    }
    try:
        return psycopg.connect(**{**named, "options": " ".join(options).strip()}, autocommit=True)
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" not in str(error):
            raise
    # A pooler such as PgBouncer takes no settings at the start: the same for one transaction.
    named.pop("options", None)
    session = psycopg.connect(**named)
    session.read_only = True
    for name in ("statement_timeout", "lock_timeout"):
        session.execute("SELECT set_config(%s, %s, true)", [name, settings[name]])
    return session


def login_of(environment: Environment, postgres: Postgres | PgBouncer) -> dict[str, Any]:
    """Connection parameters from the variable, after the guards of the environment file.

    Raises:
        CouldNotLook: it is unset, holds no connection string, or points elsewhere.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    name = postgres.dsn_from
    dsn = environment.secrets.require(name, of=postgres.name)
    try:
        parameters = conninfo_to_dict(_for_libpq(dsn.get_secret_value()))
    except ProgrammingError:  # its text repeats the string, password and all
        raise CouldNotLook(
            postgres.name,
            f"the variable {name} holds no PostgreSQL connection string",
            remedy="Expected: postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        ) from None
    login = {key: value for key, value in parameters.items() if value}
    _refuse_elsewhere(login, postgres)
    return login


def _refuse_elsewhere(login: dict[str, Any], postgres: Postgres | PgBouncer) -> None:
    """Hold the connection string against the environment's guards, in every way it can name a server."""
    name = postgres.dsn_from
    hosts = [host for key in ("host", "hostaddr") for host in (login.get(key) or "").split(",") if host]
    if "service" in login:
        hosts.append(f"service {login['service']}")
    guarded = [
        ("host", hosts or [""], postgres.host),
        ("database", [login.get("dbname", "")], postgres.database),
    ]
    for what, found, wanted in guarded:
        elsewhere = [one for one in found if wanted is not None and one.lower() != wanted.lower()]
        if elsewhere:
            raise CouldNotLook(
                postgres.name,
                f"the variable {name} points at {what} {elsewhere[0]!r},"
                f" the environment file says {wanted!r}",
                remedy="Nothing was connected to. Correct whichever of the two is wrong.",
            )


def _for_libpq(dsn: str) -> str:
    """A connection address without the parameters that only other clients know, such as Prisma's `schema`."""
    from psycopg import pq

    if "://" not in dsn or "?" not in dsn:
        return dsn
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    address, _, query = dsn.partition("?")
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] in known]
    return f"{address}?{'&'.join(kept)}" if kept else address


def place(login: dict[str, Any]) -> str:
    """Where a login leads, without its secrets."""
    host, port, database = login.get("host", "localhost"), login.get("port", 5432), login.get("dbname", "")
    return f"postgresql://{f'[{host}]' if ':' in host else host}:{port}/{database}"


def plain_words(error: psycopg.Error) -> str:
    """Why PostgreSQL did not answer, in words that do not change from run to run."""
    import psycopg

    if isinstance(error, psycopg.errors.ConnectionTimeout | psycopg.errors.QueryCanceled):
        return NO_ANSWER
    state = error.sqlstate or next((state for sign, state in _SIGNS.items() if sign in str(error)), None)
    if state in REFUSALS:
        return f"{REFUSALS[state]} (SQLSTATE {state})"
    text = str(error)
    if "Connection refused" in text:
        return "connection refused"
    if "could not translate host name" in text or "failed to resolve host" in text:
        return "the name does not resolve"
    if "timeout expired" in text:
        return NO_ANSWER
    return one_line(text.split("failed: ", 1)[-1])


_SIGNS = {
    "password authentication failed": "28P01",
    "SASL authentication failed": "28P01",
    "connection slots are reserved": "53300",
    "too many clients already": "53300",
    "too many connections for": "53300",
    "does not exist": "3D000",
    "the database system is": "57P03",
    "no pg_hba.conf entry": "28000",
}
"""libpq hands over no SQLSTATE for a refused login, only the server's words."""
