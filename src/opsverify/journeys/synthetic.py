"""Synthetic profiles: made for one journey, marked, leased, and removed again.

The mark is in the slug (`synthetic-0a1b2c3d4e5f-…`), the lease in the display name, where the api
lets it be renewed. Both must be in our form before a profile is taken for one of ours.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opsverify.environment import Environment, Service, Synthetic
from opsverify.journeys import listing
from opsverify.journeys.listing import PROFILES, Row
from opsverify.probes.conversation import Conversation, Reply
from opsverify.tokens import Mint, Person, anybody

LEASE_SECONDS = 60
"""How long a profile is nobody else's business. No journey takes that long between two writes."""

_NAME = re.compile(r"^Synthetic (?P<journey>[0-9a-f]{12}) (?P<step>[a-z]+), until (?P<until>\d{10})$")


@dataclass
class Tenant:
    """Whoever does the synthetic writing of one journey."""

    conversation: Conversation
    mint: Mint
    mark: str
    ahead: float = 0
    """Seconds that the target's clock is ahead of ours: leases are in the target's time."""
    journey: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    left: list[str] = field(default_factory=list)
    """What could not be removed again, a phrase each."""

    @property
    def now(self) -> float:
        """The time at the target, seconds since the epoch."""
        return time.time() + self.ahead

    def display_name(self, step: str) -> str:
        """A name that holds the lease; writing it renews the lease."""
        return f"Synthetic {self.journey} {step}, until {int(self.now) + LEASE_SECONDS}"


@dataclass
class Profile:
    """A synthetic profile."""

    tenant: Tenant
    person: Person
    token: str
    name: str = ""
    """What it was called when it was made."""
    was_listed: bool = False
    """It was seen in the list once."""
    gone: bool = False
    """It was seen that it is not there any more."""

    @property
    def path(self) -> str:
        """Where it is asked for."""
        return f"{PROFILES}/{self.person.profile}"

    def ask(self, method: str, path: str, content: object = None) -> Reply:
        """Ask the api as the profile's owner.

        Raises:
            CouldNotLook: there was no answer at all.
        """
        return self.tenant.conversation.ask(method, path, token=self.token, content=content)

    def listed(self) -> str:
        """The display name under which it is listed now, or what the list shows instead.

        Raises:
            CouldNotLook: as `listing.name_in`.
        """
        name = listing.name_in(
            self.tenant.conversation, self.token, self.person.profile, was_there=self.was_listed
        )
        self.was_listed = self.was_listed or name == self.name
        return name

    def remove(self) -> None:
        """Delete it, unless that was seen to be done; what is still there is noted as left."""
        if self.gone:
            return
        ask = self.tenant.conversation.ask_even_if_silent
        ask("DELETE", self.path, token=self.token)
        still = ask("GET", self.path, token=self.token)
        self.gone = is_gone(still)
        if not self.gone:
            self.tenant.left.append(f"profile {self.person.profile}: {still.status} after its deletion")


def is_gone(reply: Reply) -> bool:
    """Whether an answer says that there is no such thing."""
    return reply.status in {404, 410}


def tenant(environment: Environment, service: Service) -> Tenant:
    """The synthetic tenant of an environment, for one journey. What lapsed of earlier ones is swept.

    Raises:
        CouldNotLook: tokens cannot be made, or the service does not answer.
    """
    mint = Mint(environment)
    named = environment.synthetic or Synthetic()
    made = Tenant(Conversation(environment, service), mint, named.mark)
    pages = list(listing.pages(made.conversation, mint.token(anybody())))
    made.ahead = pages[0].now - time.time()
    for row in [row for page in pages for row in page.rows if _has_lapsed(made, row)]:
        owner = Person(str(row.get("identityId")), str(row.get("id")))
        Profile(made, owner, mint.token(owner)).remove()
    return made


@contextmanager
def profile(of: Tenant) -> Iterator[Profile]:
    """A profile for as long as the block lasts.

    Raises:
        CouldNotLook: it cannot be made.
    """
    with ExitStack() as clean_up:
        made, reply = create(of, clean_up)
        if not reply.good:
            raise of.conversation.blind(
                f"no synthetic profile could be made: POST {PROFILES} answered {reply.status}"
            )
        yield made


def create(of: Tenant, clean_up: ExitStack) -> tuple[Profile, Reply]:
    """Ask for a profile to be made; it is removed when `clean_up` is closed.

    Also when the answer is bad or does not come: it may be there all the same.

    Raises:
        CouldNotLook: there was no answer at all.
    """
    person = anybody()
    made = Profile(of, person, of.mint.token(person), of.display_name("created"))
    clean_up.callback(made.remove)
    at = datetime.fromtimestamp(of.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reply = made.ask(
        "POST",
        PROFILES,
        {
            "id": person.profile,
            "identityId": person.sub,
            "slug": f"{of.mark}-{of.journey}-{person.profile[:8]}",
            "displayName": made.name,
            "did": f"did:web:opsverify.invalid:{of.journey}",
            "createdAt": at,
            "updatedAt": at,
        },
    )
    return made, reply


def _has_lapsed(of: Tenant, row: Row) -> bool:
    named = _NAME.match(str(row.get("displayName")))
    if named is None or not str(row.get("slug")).startswith(f"{of.mark}-{named['journey']}-"):
        return False
    return int(named["until"]) < of.now
