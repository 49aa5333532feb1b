"""What the api serves to anybody, and what it refuses: taxonomy, wrongly signed events, bad input."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opsverify import webhooks
from opsverify.environment import Environment, Service
from opsverify.looking import Snapshot
from opsverify.probes.conversation import Conversation, Reply
from opsverify.tokens import ADMIN, Mint, anybody

KINDS = ("masks", "epochs", "stages")
PAGES_AT_MOST = 10

OVERSIZED_BYTES = 4 * 1024 * 1024
"""Four times what common servers take, a tenth of what would burden one."""
LONG_AGO_SECONDS = 60 * 60
"""Age of a stale signature; the provider's libraries refuse from five minutes on."""


@dataclass(frozen=True, kw_only=True)
class Taxonomy(Snapshot):
    """Masks, epochs and stages as they are served."""

    served: dict[str, int | str]
    """How many of each kind; or what came instead of them."""
    defects: tuple[str, ...]
    """Ids that stand twice, fields that are missing or empty."""


@dataclass(frozen=True, kw_only=True)
class Signatures(Snapshot):
    """The webhook's answers to signatures that are not right."""

    not_refused: tuple[str, ...]
    """Those that were not answered with 401, and how they were: `forged: 200`."""


@dataclass(frozen=True, kw_only=True)
class BadInput(Snapshot):
    """The answers to requests that make no sense."""

    not_refused: tuple[str, ...]
    """Those that were not answered with a client error, and how they were: `malformed id: 500`."""


def taxonomy(environment: Environment, api: Service) -> Taxonomy:
    """Read all masks, epochs and stages.

    Raises:
        CouldNotLook: there was no answer at all.
    """
    conversation = Conversation(environment, api)
    served: dict[str, int | str] = {}
    defects: list[str] = []
    for kind in KINDS:
        entries = _entries(conversation, f"/v1/taxonomy/{kind}")
        served[kind] = entries if isinstance(entries, str) else len(entries)
        if not isinstance(entries, str):
            defects += _defects(kind, entries, environment.taxonomy.fields)
    return Taxonomy(
        where=api.address("/v1/taxonomy"),
        served=served,
        defects=tuple(defects),
        evidence=conversation.evidence,
    )


def _entries(conversation: Conversation, path: str) -> list[Any] | str:
    """All entries of a list, whatever pages it comes in; or what came instead."""
    entries: list[Any] = []
    for _ in range(PAGES_AT_MOST):
        reply = conversation.ask("GET", f"{path}?offset={len(entries)}" if entries else path)
        rows = reply.thing
        if not reply.good:
            return str(reply.status)
        if not isinstance(rows, list):
            return "no list"
        entries += rows
        total = reply.json.get("total") if isinstance(reply.json, dict) else None
        if not rows or not isinstance(total, int) or len(entries) >= total:
            break
    return entries


def _defects(kind: str, entries: list[Any], fields: tuple[str, ...]) -> Iterator[str]:
    ids: set[object] = set()
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            yield f"{kind} #{number}: no object"
            continue
        name = entry.get("id") or f"#{number}"
        missing = [one for one in fields if not (isinstance(entry.get(one), str) and entry[one].strip())]
        if missing:
            yield f"{kind} {name}: no {', '.join(missing)}"
        if name in ids:
            yield f"{kind} {name}: stands twice"
        ids.add(name)


def signatures(environment: Environment, api_with_auth: Service) -> Signatures:
    """Send a test event under signatures that are missing, malformed, stale and forged.

    Raises:
        CouldNotLook: the secret's variable is unset, or there was no answer at all.
    """
    conversation = Conversation(environment, api_with_auth)
    path = webhooks.path_of(environment)
    secret = webhooks.secret_of(environment)
    body = webhooks.test_event(environment)
    other = webhooks.test_event(environment)
    signed = webhooks.sign(body, secret)
    wrong: dict[str, str | None] = {
        "missing": None,
        "malformed": "test",
        "malformed, without a time": signed.partition(",")[2],
        "malformed, without a signature": signed.partition(",")[0],
        "stale": webhooks.sign(body, secret, at=time.time() - LONG_AGO_SECONDS),
        "forged": webhooks.sign(body, f"whsec_{uuid.uuid4().hex}"),
        "forged, of an empty secret": webhooks.sign(body, ""),
        "another event's": webhooks.sign(other, secret),
        "with another time": f"t={int(time.time()) - 1},{signed.partition(',')[2]}",
    }
    answers = {
        kind: conversation.ask(
            "POST", path, body=body, headers={} if header is None else {webhooks.HEADER: header}
        )
        for kind, header in wrong.items()
    }
    return Signatures(
        where=api_with_auth.address(path),
        not_refused=tuple(
            f"{kind}: {reply.status}" for kind, reply in answers.items() if reply.status != 401
        ),
        evidence=conversation.evidence,
    )


def bad_input(environment: Environment, api: Service) -> BadInput:
    """Send requests that make no sense, as an admin where the environment says how, so that they get far.

    None of them could write anything, even if it were taken.

    Raises:
        CouldNotLook: a token cannot be made, or there was no answer at all.
    """
    conversation = Conversation(environment, api)
    token = Mint(environment).token(anybody(ADMIN)) if environment.auth else None
    nonsense = uuid.uuid4().hex
    ids = ("not-an-id", "1%27%20OR%20%271%27=%271", "9" * 2000)
    requests: dict[str, tuple[str, str, bytes]] = {
        "unknown route": ("GET", f"/v1/{nonsense}", b""),
        "broken JSON": ("POST", "/v1/profiles", b'{"id": '),
        "JSON of another kind": ("POST", "/v1/profiles", b"[]"),
        # a list, so that it is refused for its kind where its size is not
        "oversized body": ("POST", "/v1/profiles", b'["' + b"x" * OVERSIZED_BYTES + b'"]'),
        **{f"malformed id {one[:30]}": ("GET", f"/v1/profiles/{one}", b"") for one in ids},
        "malformed id of a subscription": ("GET", "/v1/billing/subscription/not-an-id", b""),
        "unknown mask": ("GET", f"/v1/taxonomy/masks/{nonsense}", b""),
    }
    not_refused: list[str] = []
    for kind, (method, path, body) in requests.items():
        reply = conversation.ask_even_if_silent(method, path, token=token, body=body)
        if _was_hung_up_on(reply):
            continue
        conversation.check_answered(reply)
        if not _is_client_error(reply):
            not_refused.append(f"{kind}: {reply.status}")
    return BadInput(
        where=api.address("/v1"),
        not_refused=tuple(not_refused),
        evidence=conversation.evidence,
    )


def _is_client_error(reply: Reply) -> bool:
    status = reply.exchange.status
    return status is not None and 400 <= status < 500


def _was_hung_up_on(reply: Reply) -> bool:
    """Whether the connection was closed on a large body: servers and proxies may do that unread."""
    return len(reply.exchange.sent) >= OVERSIZED_BYTES and reply.exchange.unreachable in {
        "connection reset",
        "no HTTP answer: Server disconnected without sending a response.",
    }
