"""The life of a synthetic profile, and what a profile of its own lets the suite see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeGuard

from opsverify.environment import Environment, Service
from opsverify.journeys.listing import ABSENT
from opsverify.journeys.synthetic import Profile, Tenant, create, is_gone, profile, tenant
from opsverify.looking import Snapshot
from opsverify.probes.conversation import Conversation, Reply
from opsverify.tokens import Mint, Person

KEYWORDS = ("operations",)
"""What the synthetic job search looks for. Whether there is such a job does not matter."""


@dataclass(frozen=True, kw_only=True)
class Life(Snapshot):
    """A profile made, read, changed, read, listed and deleted."""

    refused: tuple[str, ...]
    """Writes that were not answered with success: `change: 500`. The first one ends the flow."""
    written: tuple[str, ...]
    """The display name after each write; `absent` after the deletion."""
    read: tuple[str, ...]
    """What reading it showed after each write."""
    listed: tuple[str, ...]
    """What the list showed after each write."""
    left: tuple[str, ...]
    """What could not be removed again."""


@dataclass(frozen=True, kw_only=True)
class Search(Snapshot):
    """The answer to a job search."""

    status: int | str
    defects: tuple[str, ...]
    """What is missing in it, or has another form."""


@dataclass(frozen=True, kw_only=True)
class Subscription(Snapshot):
    """The answer to a question for a synthetic profile's subscription."""

    status: int | str
    defects: tuple[str, ...]
    """What is missing in it, or has another form."""


def life(environment: Environment, api_with_auth: Service) -> Life:
    """Lead a synthetic profile through its life.

    Raises:
        CouldNotLook: tokens cannot be made, or a request got no answer at all.
    """
    of = tenant(environment, api_with_auth)
    with ExitStack() as clean_up:
        made, reply = create(of, clean_up)
        course = _Course(made)
        if course.goes_on("create", reply, made.name):
            name = of.display_name("changed")
            if course.goes_on("change", made.ask("PATCH", made.path, {"displayName": name}), name):
                course.goes_on("delete", made.ask("DELETE", made.path), ABSENT)
    return Life(
        where=of.conversation.service.address(made.path),
        refused=tuple(course.refused),
        written=tuple(course.written),
        read=tuple(course.read),
        listed=tuple(course.listed),
        left=tuple(of.left),
        evidence=of.conversation.evidence,
    )


class _Course:
    """How the writes of a profile's life went, and what was to be seen after each."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.refused: list[str] = []
        self.written: list[str] = []
        self.read: list[str] = []
        self.listed: list[str] = []

    def goes_on(self, step: str, reply: Reply, name: str) -> bool:
        """Note a write and look at the profile; False when the write was refused.

        Args:
            step: what was written.
            reply: the answer to it.
            name: what the profile must be called now.
        """
        if not reply.good:
            self.refused.append(f"{step}: {reply.status}")
            return False
        profile = self._profile
        self.written.append(name)
        found = profile.ask("GET", profile.path)
        profile.gone = is_gone(found)
        self.read.append(ABSENT if profile.gone else str(found.fields.get("displayName", found.status)))
        self.listed.append(profile.listed())
        return True


def search(environment: Environment, api_with_auth: Service) -> Search:
    """Search for jobs with a profile made for it, which has its own month's searches.

    A kept profile that the environment names is used in its place.

    Raises:
        CouldNotLook: as `life`, or no profile can be made.
    """
    with _somebody(environment, api_with_auth) as profile:
        reply = profile.ask("POST", f"{profile.path}/hunter/search", {"keywords": KEYWORDS})
    return Search(
        where=reply.exchange.url,
        status=reply.status,
        defects=_defects_of_search(reply) if reply.good else (),
        evidence=profile.tenant.conversation.evidence,
    )


def subscription(environment: Environment, api_with_auth: Service) -> Subscription:
    """Read the subscription of a profile made for it, or of the kept one that the environment names.

    Raises:
        CouldNotLook: as `life`, or no profile can be made.
    """
    with _somebody(environment, api_with_auth) as profile:
        reply = profile.ask("GET", f"/v1/billing/subscription/{profile.person.profile}")
    return Subscription(
        where=reply.exchange.url,
        status=reply.status,
        defects=_defects_of_subscription(reply, profile.person.profile) if reply.good else (),
        evidence=profile.tenant.conversation.evidence,
    )


@contextmanager
def _somebody(environment: Environment, service: Service) -> Iterator[Profile]:
    """The kept profile that the environment names, else one made for as long as the block lasts."""
    named = environment.synthetic.profile if environment.synthetic else None
    if named is None:
        with profile(tenant(environment, service)) as made:
            yield made
        return
    mint = Mint(environment)
    owner = Person(sub=named, profile=named)
    of = Tenant(Conversation(environment, service), mint, mark="")
    yield Profile(of, owner, mint.token(owner))


def _defects_of_search(reply: Reply) -> tuple[str, ...]:
    """What the contract promises of a search's answer, and this one does not keep."""
    answer = reply.json if isinstance(reply.json, dict) and "jobs" in reply.json else reply.fields
    jobs, total, took = (answer.get(key) for key in ("jobs", "totalFound", "searchDurationMs"))
    wanted = {
        "jobs is a list": isinstance(jobs, list),
        "totalFound counts them": _is_number(total) and not (isinstance(jobs, list) and total < len(jobs)),
        "searchDurationMs is a time": _is_number(took) and took >= 0,
    }
    return tuple(f"not so: {sentence}" for sentence, kept in wanted.items() if not kept)


def _defects_of_subscription(reply: Reply, asked_for: str) -> tuple[str, ...]:
    tier, profile = reply.fields.get("tier"), reply.fields.get("profileId", asked_for)
    wanted = {
        "it names a tier": isinstance(tier, str) and tier != "",
        "it is of the profile that was asked for": profile == asked_for,
    }
    return tuple(f"not so: {sentence}" for sentence, kept in wanted.items() if not kept)


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
