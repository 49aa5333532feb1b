"""Subscriptions, and the events by which the payment provider changes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_platform.services.api.tools import Tools, answer
from reference_platform.services.asked import identifier, is_json, raw_body
from reference_platform.services.bodies import Json
from reference_platform.services.errors import Refused, invalid

SIGNATURE_VALID_SECONDS = 300
"""Age at which a signature is refused, as in the provider's own libraries."""
TIERS = {"FREE", "PRO", "ENTERPRISE"}


async def subscription(tools: Tools, profile: UUID) -> Json:
    """A profile's subscription; one without has the free tier."""
    rows = await tools.database.rows("SELECT * FROM subscriptions WHERE profile_id = %s", profile)
    row: Json = rows[0] if rows else {"tier": "FREE", "status": "active", "current_period_end": None}
    ends = row["current_period_end"]
    return {
        "profileId": str(profile),
        "tier": row["tier"],
        "status": row["status"],
        "currentPeriodEnd": ends.isoformat() if ends else None,
    }


def check_signature(header: str, body: bytes, secret: str, *, now: float) -> None:
    """Check `t=…,v1=…`: HMAC-SHA256 of time and body, with the endpoint's secret.

    Args:
        header: value of `stripe-signature`.
        body: as it came, byte for byte.
        secret: shared with the provider.
        now: seconds since the epoch.

    Raises:
        Refused: 401, it is missing, malformed, stale or forged.
    """
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name.strip() == "t" and value.isascii() and value.isdigit()]
    signatures = [value for name, _, value in pairs if name.strip() == "v1"]
    if len(times) == 1 and abs(now - int(times[0])) <= SIGNATURE_VALID_SECONDS:
        made = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
        if any(hmac.compare_digest(made.encode(), one.encode()) for one in signatures):
            return
    raise Refused(401, "invalid_signature", "the signature is not valid")


def routes(tools: Tools) -> list[Route]:
    """The endpoints for billing."""

    async def get(request: Request) -> Response:
        """The subscription of a profile."""
        profile = identifier(request, "profile")
        tools.owner(request, profile)
        return answer(data=await subscription(tools, profile))

    async def webhook(request: Request) -> Response:
        """Take an event, each only once."""
        body = await raw_body(request)
        header = request.headers.get("stripe-signature", "")
        check_signature(header, body, tools.settings.stripe_webhook_secret, now=time.time())
        if not is_json(request):
            raise Refused(415, "unsupported_media_type", "expected application/json")
        event = _event(body)
        rows = await tools.database.rows(
            "INSERT INTO stripe_events (id, type) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id",
            *(event["id"], event["type"]),
        )
        if rows and event["type"].startswith("customer.subscription."):
            await _change_subscription(tools, event)
        return JSONResponse({"received": True})

    return [
        Route("/billing/subscription/{profile}", get),
        Route("/billing/webhooks/stripe", webhook, methods=["POST"]),
    ]


def _event(body: bytes) -> Json:
    try:
        event = json.loads(body)
    except ValueError:
        raise invalid("the body is not JSON") from None
    if not isinstance(event, dict) or not all(isinstance(event.get(key), str) for key in ("id", "type")):
        raise invalid("an event has an id and a type")
    return event


async def _change_subscription(tools: Tools, event: Json) -> None:
    """Set the tier of the profile that the subscription's metadata name; without them nothing is ours."""
    try:
        subscribed = event["data"]["object"]
        profile, tier = UUID(subscribed["metadata"]["profileId"]), subscribed["metadata"]["tier"]
    except (KeyError, TypeError, ValueError):
        return
    if tier not in TIERS:
        return
    ended = event["type"] == "customer.subscription.deleted"
    await tools.database.rows(
        "INSERT INTO subscriptions (profile_id, tier, status, updated_at)"
        " SELECT id, %s, %s, now() FROM profiles WHERE id = %s"
        " ON CONFLICT (profile_id) DO UPDATE"
        " SET tier = EXCLUDED.tier, status = EXCLUDED.status, updated_at = EXCLUDED.updated_at",
        *("FREE" if ended else tier, "canceled" if ended else "active", profile),
    )
