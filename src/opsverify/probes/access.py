"""Who gets in: the api's answers to tokens that are not right, on routes that need one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from opsverify.environment import Environment, Service
from opsverify.looking import Snapshot
from opsverify.probes.conversation import Conversation, Reply
from opsverify.tokens import ADMIN, Mint, Person, anybody, unsigned

PROFILE = "{profile}"
EXPIRED_BEFORE_SECONDS = 60 * 60
"""Long enough for no difference of clocks to matter."""
REFUSALS = frozenset({401, 403, 404})
"""404: some hide what is not the caller's."""
TOO_MANY = 429


@dataclass(frozen=True, kw_only=True)
class Tokens(Snapshot):
    """What became of tokens that are not right."""

    accepted: tuple[str, ...]
    """Those that were not refused, by route, and how they were answered."""


@dataclass(frozen=True)
class _Route:
    path: str
    rightful: Person
    """Who may use it."""
    others: Person
    """Who may not, though the token is a right one."""


def tokens(environment: Environment, api_with_auth: Service) -> Tokens:
    """Ask protected routes with every kind of wrong token. Only reads, and keeps no answer.

    A right token is tried too: where that is refused as well, refusals prove nothing. On one of the
    admins' routes and on one of the owners' it must pass; what else is wrong there others ask.

    Raises:
        CouldNotLook: tokens cannot be made, there was no answer, or a right token was refused.
    """
    mint = Mint(environment)
    conversation = Conversation(environment, api_with_auth)
    of_admins = list(_routes_of_admins(mint))
    of_owners = list(_routes_of_owners(environment, mint, conversation))
    for group in (of_admins, of_owners):
        _check_control(group, mint, conversation)
    routes = [*of_admins, *of_owners]
    wrong = {route.path: _wrong_tokens(environment, mint, route) for route in routes}
    environment.masker.hide(*(token for kinds in wrong.values() for token in kinds.values() if token))
    accepted: list[str] = []
    for route in routes:
        for kind, token in wrong[route.path].items():
            reply = conversation.ask("GET", route.path, token=token, secret=True)
            if reply.status == TOO_MANY:
                raise conversation.blind("it takes no more requests at the moment (429)")
            if not _refused(reply):
                accepted.append(f"{kind} on {_shown(route)}: {reply.status}")
    return Tokens(
        where=api_with_auth.address("/v1"), accepted=tuple(accepted), evidence=conversation.evidence
    )


def _check_control(routes: list[_Route], mint: Mint, conversation: Conversation) -> None:
    """See a right token pass on one of these routes at least, whatever the route then makes of it.

    Raises:
        CouldNotLook: all refuse it.
    """
    status: int | str | None = None
    for route in routes:
        reply = conversation.ask("GET", route.path, token=mint.token(route.rightful), secret=True)
        if not _refused(reply):
            return
        status = reply.status
    if status is not None:
        raise conversation.blind(
            f"a right token is refused, so that refusals prove nothing: {status}",
            remedy="Compare the token's secret, issuer and audience with the service's.",
        )


def _routes_of_admins(mint: Mint) -> Iterator[_Route]:
    for path in mint.auth.admin_paths:
        yield _Route(path, anybody(ADMIN), anybody())


def _routes_of_owners(environment: Environment, mint: Mint, conversation: Conversation) -> Iterator[_Route]:
    """The owners' routes of a profile that exists: the kept synthetic one, else the first that is listed.

    Without any profile nothing can be somebody else's, and there are none.
    """
    owner = _an_owner(environment, mint, conversation)
    if owner is not None:
        for path in mint.auth.owner_paths:
            yield _Route(path.replace(PROFILE, owner.profile), owner, anybody())


def _an_owner(environment: Environment, mint: Mint, conversation: Conversation) -> Person | None:
    if environment.synthetic is not None and environment.synthetic.profile is not None:
        return Person(environment.synthetic.profile, environment.synthetic.profile)
    reader = mint.token(anybody())
    reply = conversation.ask("GET", "/v1/profiles?limit=1&offset=0", token=reader, secret=True)
    rows = reply.thing
    if not reply.good:
        raise conversation.blind(f"the list of profiles cannot be read: {reply.status}")
    if not (isinstance(rows, list) and rows and isinstance(rows[0], dict) and rows[0].get("id")):
        return None
    return Person(str(rows[0].get("identityId")), str(rows[0]["id"]))


def _wrong_tokens(environment: Environment, mint: Mint, route: _Route) -> dict[str, str | None]:
    """A token of each wrong kind; None stands for none at all."""
    person = route.rightful
    right = mint.claims(person)
    past = int(time.time()) - EXPIRED_BEFORE_SECONDS
    found: dict[str, str | None] = {
        "anonymous": None,
        "expired token": mint.signed({**right, "iat": past - 60, "exp": past}),
        "wrongly signed token": mint.signed(right, secret=uuid.uuid4().hex * 2),
        "token signed with an empty secret": mint.signed(right, secret=""),
        "token with alg none": unsigned(right),
        "token with alg None": unsigned(right, algorithm="None"),
        "token with alg none and a signature": unsigned(right) + mint.signed(right).rpartition(".")[2],
        "token for another audience": mint.signed({**right, "aud": "opsverify-elsewhere"}),
        "token of another issuer": mint.signed({**right, "iss": "opsverify-elsewhere"}),
        "another person's token": mint.signed(mint.claims(route.others)),
    }
    if mint.auth.previous_secret_from is not None:
        previous = environment.secrets.require(mint.auth.previous_secret_from, of="auth")
        found["token signed with the previous secret"] = mint.signed(
            right, secret=previous.get_secret_value()
        )
    return found


def _refused(reply: Reply) -> bool:
    return reply.status in REFUSALS


def _shown(route: _Route) -> str:
    return route.path.replace(route.rightful.profile, PROFILE)
