"""Which roles there are, who belongs to which, and who owns what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsverify.environment import Environment, Postgres
from opsverify.evidence import one_line
from opsverify.finding import Finding
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.database.asking import Answers, answers

IMPORTS = ("psycopg",)
"""What is imported before the looks start, and not in their threads."""


@dataclass(frozen=True, kw_only=True)
class RolesSeen(Snapshot):
    """Where the server's roles differ from those that are expected."""

    different: tuple[str, ...]


def roles(environment: Environment, postgres: Postgres) -> RolesSeen:
    """Compare the server's roles with those that the environment declares.

    Raises:
        CouldNotLook: it declares none, or the server did not answer.
    """
    seen = answers(environment, postgres)
    evidence = seen.evidence("roles", "members", "owners")
    if not postgres.roles.declared:
        raise CouldNotLook(
            "postgres",
            "the environment does not say which roles are expected",
            remedy="Declare [postgres.roles]: superusers, login, members, owners; the evidence has those"
            " there are.",
            evidence=evidence,
        )
    return RolesSeen(where=seen.where, different=tuple(_differences(postgres, seen)), evidence=evidence)


def _differences(postgres: Postgres, seen: Answers) -> Iterator[Finding]:
    expected = postgres.roles
    rows = seen.rows("roles")
    quoted = {row["name"]: one_line(row["quoted"]) for row in rows}
    if expected.superusers is not None:
        there = {row["name"] for row in rows if row["superuser"]}
        yield from _compare("superuser", there, expected.superusers, quoted, "ALTER ROLE {} NOSUPERUSER;")
    if expected.login is not None:
        there = {row["name"] for row in rows if row["login"]}
        yield from _compare("login role", there, expected.login, quoted, "ALTER ROLE {} NOLOGIN;")
    members: dict[str, set[str]] = defaultdict(set)
    for row in seen.rows("members"):
        members[row["role"]].add(row["member"])
        quoted |= {row["role"]: one_line(row["role_quoted"]), row["member"]: one_line(row["member_quoted"])}
    for role, wanted in expected.members.items():
        fix = f"REVOKE {quoted.get(role, role)} FROM {{}};"
        yield from _compare(f"member of {one_line(role)}", members[role], wanted, quoted, fix)
    if expected.owners is not None:
        for row in seen.rows("owners"):
            if row["owner"] not in expected.owners:
                example = one_line(row["example"])
                yield Finding(
                    f"{one_line(row['owner'])} owns {row['objects']} objects, such as {example},"
                    f" expected only {', '.join(expected.owners)};"
                    f" ALTER {example} OWNER TO {quoted.get(expected.owners[0], expected.owners[0])};",
                    about=row["owner"],
                )


def _compare(
    what: str, there: set[str], wanted: Iterable[str], quoted: dict[str, str], fix: str
) -> Iterator[Finding]:
    for name in sorted(there - set(wanted)):
        undo = fix.replace("{}", quoted.get(name, one_line(name)))
        yield Finding(f"unexpected {what} {one_line(name)}; {undo}", about=name)
    for name in sorted(set(wanted) - there):
        yield Finding(f"{what} {one_line(name)} is expected and not there", about=name)
