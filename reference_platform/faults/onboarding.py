"""Faults that the checks of an engineer who joins must see."""

from __future__ import annotations

from reference_platform import engineer, files
from reference_platform.faults.model import Fault, Verb
from reference_platform.faults.recorded import without
from reference_platform.faults.verbs import sql
from reference_platform.records.incidents import ENGINEER, ITEMS, attested
from reference_platform.services.tokens import ADMIN
from reference_platform.state import Platform

ACCESS = frozenset({"ONB-01[access]"})
NOBODYS_SECRET = "q3R8tY5vB1nM7kL0zX4cW9sD2fG6hJpAeUoI"  # noqa: S105 - the secret of nothing


def give_token(words: str, *, permissions: tuple[str, ...] = (), secret: str = "") -> Verb:
    """The engineer has another token.

    Args:
        words: what is then the case.
        permissions: that it carries.
        secret: what it is signed with, where that is not the services' secret.
    """

    def do(platform: Platform) -> None:
        others = engineer.variables(platform.settings, permissions=permissions, secret=secret)
        files.write_own_variables(platform, **others)

    return Verb(words, do, files.write_own_variables)


FAULTS = (
    Fault(
        "ONB-01",
        "forbidden",
        sql(
            "the engineer may read no table",
            "REVOKE pg_read_all_data FROM engineer",
            undo="GRANT pg_read_all_data TO engineer",
        ),
        ACCESS | {"DB-09[postgres]"},  # which knows who is a member of what
    ),
    Fault(
        "ONB-01",
        "no login",
        sql("the engineer may not log in", "ALTER ROLE engineer NOLOGIN", undo="ALTER ROLE engineer LOGIN"),
        ACCESS,
    ),
    Fault(
        "ONB-01",
        "token refused",
        give_token("the engineer's token is refused", secret=NOBODYS_SECRET),
        ACCESS,
    ),
    Fault(
        "ONB-01",
        "may write",
        sql(
            "the engineer may change profiles",
            "GRANT UPDATE ON profiles TO engineer",
            undo="REVOKE UPDATE ON profiles FROM engineer",
        ),
        ACCESS,
    ),
    Fault(
        "ONB-01",
        "is an admin",
        give_token("the engineer is an admin of the api", permissions=(ADMIN,)),
        ACCESS,
    ),
    Fault(
        "ONB-03",
        "record missing",
        without("nobody showed the contacts to the engineer", attested(ENGINEER, ITEMS[2])),
        frozenset({"ONB-03[records]"}),
    ),
)
