"""What an engineer can do with their own credentials: all that is needed, and no more.

Nothing is tried that would change something: what a role may write is read from PostgreSQL's catalogue, for
the role itself and for every role that it can become.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsverify.cost import charge
from opsverify.environment import Access, Environment, Postgres, Right
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.looking import CouldNotLook, Snapshot, in_seconds
from opsverify.probes import http
from opsverify.probes.casebook import listed
from opsverify.probes.onboarding import require_engineer
from opsverify.probes.postgres import login_of, open_session, plain_words

if TYPE_CHECKING:
    import psycopg

IMPORTS = ("psycopg", "psycopg.sql")
"""What is imported before the looks start, and not in their threads."""

NOT_ITS_MATTER = frozenset({429, 500, 502, 503, 504})
"""Answers that say nothing of rights."""
REFUSES_LOGIN = ("28P01", "28000", "42501")
"""SQLSTATE: wrong password, no such login, no privilege to connect."""


@dataclass(frozen=True, kw_only=True)
class Rights(Snapshot):
    """What the engineer's credentials open."""

    missing: tuple[str, ...]
    """`postgres: may not read profiles`; `http://…: 403, expected 200`."""
    beyond: tuple[str, ...]
    """What they may do though nobody needs it: `postgres: may write to table profiles (INSERT)`."""


def rights(environment: Environment, access: Access) -> Rights:
    """Log in as the engineer, read what they must read, see what they may write, open what they may open.

    Raises:
        CouldNotLook: the stage is onboarding and nobody is named, nothing is declared that could be
            looked at, a variable is unset, or something does not answer at all.
    """
    engineer = require_engineer(environment)
    if access.dsn_from is None and not access.rights:
        raise CouldNotLook(
            access.name,
            "the environment does not say what an engineer reaches",
            remedy="Name dsn_from, or token_from and rights, under [access].",
        )
    missing: list[str] = []
    beyond: list[str] = []
    evidence: list[Evidence] = []
    for part in (_in_database(environment, access), _over_http(environment, access)):
        for kind, finding in part:
            if isinstance(finding, Evidence):
                evidence.append(finding)
            else:
                (beyond if kind == BEYOND else missing).append(finding)
    return Rights(
        where=f"{access.name} of {one_line(engineer)}" if engineer else access.name,
        missing=listed(missing),
        beyond=listed(beyond),
        evidence=tuple(evidence),
    )


MISSING, BEYOND, SEEN = "missing", "beyond", "seen"
Finding = tuple[str, str | Evidence]


def _in_database(environment: Environment, access: Access) -> Iterator[Finding]:
    import psycopg

    if access.dsn_from is None:
        return
    postgres = environment.postgres or Postgres(dsn_from=access.dsn_from)
    login = login_of(environment, postgres.model_copy(update={"dsn_from": access.dsn_from}))
    within = environment.limits.postgres_answer_at_most_seconds
    where = f"{login.get('host', 'localhost')}:{login.get('port', 5432)}/{login.get('dbname', '')}"
    try:
        with open_session(login, within=within) as session:
            yield from _in_session(session, access, where)
    except psycopg.Error as error:
        why = plain_words(error)
        if (error.sqlstate or "") in REFUSES_LOGIN or any(state in why for state in REFUSES_LOGIN):
            yield MISSING, f"postgres: {why}"
        elif any(sign in str(error) for sign in _NO_ENTRY):
            yield MISSING, f"postgres: {one_line(str(error).split('failed: ', 1)[-1])}"
        else:
            raise CouldNotLook("postgres", in_seconds(why, within)) from None
        yield SEEN, Evidence("as the engineer", f"{where}\n{why}")


_NO_ENTRY = (
    "is not permitted to log in",
    "permission denied for database",
    "does not have CONNECT privilege",
    "no pg_hba.conf entry",
)
"""How a server says at the login that a role may not come in."""


def _in_session(
    session: psycopg.Connection[tuple[Any, ...]], access: Access, where: str
) -> Iterator[Finding]:
    lines = []
    for table in access.reads:
        trouble = _reading(session, table)
        lines.append(f"read {table}: {trouble or 'yes'}")
        if trouble is not None:
            yield MISSING, f"postgres: {trouble}"
    if access.only_reads:
        for finding in _writing(session):
            lines.append(finding)
            yield BEYOND, f"postgres: {finding}"
    row = session.execute("SELECT current_user, current_database()").fetchone() or ("", "")
    charge(statements=1)
    head = f"{where}\nlogged in as {row[0]} to {row[1]}"
    yield SEEN, Evidence("as the engineer", harmless("\n".join([head, *lines])))


def _reading(session: psycopg.Connection[tuple[Any, ...]], table: str) -> str | None:
    """Why a table cannot be read, or None when it can."""
    import psycopg
    from psycopg import sql

    question = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(*table.split(".")))
    charge(statements=1)
    try:
        with session.transaction():
            session.execute(question)
    except psycopg.errors.InsufficientPrivilege:
        return f"may not read {table}"
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return f"there is no {table}"
    return None


def _writing(session: psycopg.Connection[tuple[Any, ...]]) -> Iterator[str]:
    """What the role may change."""
    powers = session.execute(_POWERS).fetchone() or ()
    charge(statements=1)
    held = [words for words, has in zip(_POWER_WORDS, powers, strict=False) if has]
    yield from held
    if "is a superuser" in held:  # who may do everything
        return
    for question in _WRITES:
        charge(statements=1)
        yield from (one_line(str(row[0])) for row in session.execute(question))


_POWER_WORDS = ("is a superuser", "may make roles", "may make databases", "may replicate")
_POWERS = """
SELECT bool_or(rolsuper), bool_or(rolcreaterole), bool_or(rolcreatedb), bool_or(rolreplication)
FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')
"""
_BECOMES = "WITH r AS (SELECT oid, rolname FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER'))"
"""The roles that count: the own one, and those it is a member of, whether or not it inherits their rights."""

_WRITES = (
    # Whatever it owns it may change, and drop.
    f"""{_BECOMES}
    SELECT 'owns ' || coalesce(pg_describe_object(d.classid, d.objid, d.objsubid), 'something')
    FROM pg_shdepend AS d JOIN r ON r.oid = d.refobjid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
      AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1 LIMIT 200
    """,  # noqa: S608 - made of constants
    # Roles that the server knows what to make of.
    f"""{_BECOMES}
    SELECT 'is a member of ' || rolname FROM r WHERE rolname IN
      ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program', 'pg_maintain',
       'pg_signal_backend', 'pg_checkpoint', 'pg_create_subscription')
    ORDER BY 1
    """,  # noqa: S608 - made of constants
    # Tables, views and the like, also single columns. pg_settings takes updates from everybody: that is SET.
    f"""{_BECOMES}, t AS (
      SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_(toast|temp)'
        AND c.oid <> 'pg_catalog.pg_settings'::regclass
    )
    SELECT 'may write to ' || t.oid::regclass || ' (' || string_agg(DISTINCT p.name, ', ') || ')'
    FROM r CROSS JOIN t CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p(name)
    WHERE has_table_privilege(r.oid, t.oid, p.name)
       OR (p.name IN ('INSERT', 'UPDATE') AND has_any_column_privilege(r.oid, t.oid, p.name))
    GROUP BY t.oid ORDER BY 1 LIMIT 200
    """,  # noqa: S608 - made of constants
    f"""{_BECOMES}
    SELECT DISTINCT 'may advance sequence ' || c.oid::regclass FROM r CROSS JOIN pg_class AS c
    WHERE c.relkind = 'S' AND has_sequence_privilege(r.oid, c.oid, 'USAGE, UPDATE')
    ORDER BY 1 LIMIT 200
    """,  # noqa: S608 - made of constants
    f"""{_BECOMES}
    SELECT DISTINCT 'may make objects in schema ' || n.nspname FROM r CROSS JOIN pg_namespace AS n
    WHERE n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(r.oid, n.oid, 'CREATE')
    UNION SELECT 'may make schemas in database ' || current_database() FROM r
    WHERE has_database_privilege(r.oid, current_database(), 'CREATE')
    ORDER BY 1 LIMIT 200
    """,  # noqa: S608 - made of constants
)


def _over_http(environment: Environment, access: Access) -> Iterator[Finding]:
    if not access.rights:
        return
    if access.token_from is None:
        raise CouldNotLook(
            access.name, "the environment names rights and no token", remedy="Name token_from under [access]."
        )
    token = environment.secrets.require(access.token_from, of=access.name).get_secret_value()
    for right in access.rights:
        exchange = http.send(
            "GET",
            right.url,
            within=environment.limits.step_at_most_seconds,
            headers={"authorization": f"Bearer {token}"},
            ca=_ca(environment, right),
            secret=True,
        )
        status = exchange.answer
        yield SEEN, exchange.evidence
        if status in right.answers:
            continue
        if not isinstance(status, int) or status in NOT_ITS_MATTER:
            raise CouldNotLook(_host(environment, right), f"the engineer's request had no answer: {status}")
        expected = " or ".join(map(str, right.answers))
        refused = not any(200 <= one < 300 for one in right.answers)
        kind = BEYOND if refused and 200 <= status < 300 else MISSING
        yield kind, f"{right.url}: {status}, expected {expected}"


def _ca(environment: Environment, right: Right) -> Any:
    """The certificate authority of the service that an address is of, where it names one."""
    owner = _owner(environment, right)
    return environment.path(owner.ca) if owner is not None else None


def _host(environment: Environment, right: Right) -> str:
    owner = _owner(environment, right)
    return owner.name if owner is not None else "access"


def _owner(environment: Environment, right: Right) -> Any:
    return next(
        (
            service
            for service in environment.services
            for url in (service.url, service.public_url)
            if url and (right.url == url or right.url.startswith(f"{url}/"))
        ),
        None,
    )
