"""Events of the payment provider, as it signs them.

Source of the form: Stripe's documentation, "Verify webhook signatures manually".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid

from opsverify.environment import Auth, Environment, Synthetic
from opsverify.looking import CouldNotLook

HEADER = "stripe-signature"

EVENT_TYPE = "balance.available"
"""Tells of the account's own balance and names no customer: nothing follows from it on the platform."""


def test_event(environment: Environment) -> bytes:
    """A test event of ours: no live mode, nothing about anybody.

    Compact and in ASCII: some handlers check the signature against the body as they would write it.
    """
    mark = (environment.synthetic or Synthetic()).mark.replace("-", "")
    table = {
        "id": f"evt_{mark}{uuid.uuid4().hex}",
        "object": "event",
        "created": int(time.time()),
        "livemode": False,
        "pending_webhooks": 0,
        "type": EVENT_TYPE,
        "data": {"object": {"object": "balance", "livemode": False, "available": [], "pending": []}},
    }
    return json.dumps(table, separators=(",", ":")).encode()


def sign(body: bytes, secret: str, *, at: float | None = None) -> str:
    """The value of the header `stripe-signature`: time, and HMAC-SHA256 of time and body.

    Args:
        body: the event, byte for byte.
        secret: shared with the receiver.
        at: seconds since the epoch; None: now.
    """
    moment = str(int(time.time() if at is None else at))
    made = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={made}"


def secret_of(environment: Environment) -> str:
    """What the provider signs its events with.

    Raises:
        CouldNotLook: the environment does not say, or the variable is unset.
    """
    name = _auth(environment).webhook_secret_from
    return environment.secrets.require(name, of="auth").get_secret_value()


def path_of(environment: Environment) -> str:
    """Where the api takes events.

    Raises:
        CouldNotLook: the environment does not say.
    """
    return _auth(environment).webhook_path


def _auth(environment: Environment) -> Auth:
    if environment.auth is None:
        raise CouldNotLook("auth", f"the environment {environment.name} declares none")
    return environment.auth
