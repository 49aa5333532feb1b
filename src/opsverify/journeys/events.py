"""A payment provider's event, taken by the platform."""

from __future__ import annotations

from dataclasses import dataclass

from opsverify import webhooks
from opsverify.environment import Environment, Service
from opsverify.looking import Snapshot
from opsverify.probes.conversation import Conversation


@dataclass(frozen=True, kw_only=True)
class Event(Snapshot):
    """The answer to a rightly signed test event."""

    status: int | str
    said: str
    """`ok`; or what an answer with a good status says went wrong."""


def event(environment: Environment, api_with_auth: Service) -> Event:
    """Send a rightly signed test event, as the provider would.

    The platform may remember the event's id, so that it takes none twice; the id is named as ours.

    Raises:
        CouldNotLook: the secret's variable is unset, or there was no answer at all.
    """
    secret = webhooks.secret_of(environment)
    conversation = Conversation(environment, api_with_auth)
    body = webhooks.test_event(environment)
    reply = conversation.ask(
        "POST",
        webhooks.path_of(environment),
        body=body,
        headers={webhooks.HEADER: webhooks.sign(body, secret)},
    )
    answer = reply.json
    refused = isinstance(answer, dict) and answer.get("ok", True) is not True
    return Event(
        where=reply.exchange.url,
        status=reply.status,
        said=str(answer.get("message") or answer.get("error") or "not ok") if refused else "ok",
        evidence=conversation.evidence,
    )
