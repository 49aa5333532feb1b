"""Bearer tokens: JSON web tokens signed with HMAC-SHA256 (RFC 7519, RFC 7515)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from reference_platform.services.errors import Refused

ISSUER = AUDIENCE = "in-midst-my-life-api"
CLOCKS_DIFFER_BY_SECONDS = 5
LIVES_AT_MOST_SECONDS = 60 * 60
PERSONAL = "personal"
"""What a token is used for that a person keeps, rather than gets at each login."""
PERSONAL_LIVES_AT_MOST_SECONDS = 90 * 24 * 60 * 60
ADMIN = "admin:access"


@dataclass(frozen=True)
class Claims:
    """Who asks, and what they may."""

    subject: str
    profile: str | None
    permissions: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether they may do everything."""
        return ADMIN in self.permissions


def verify(token: str, secret: str, *, now: float | None = None) -> Claims:
    """Check a token whole, and return its claims.

    Args:
        token: as it came, without `Bearer`.
        secret: the key it must be signed with.
        now: seconds since the epoch, the present when not given.

    Raises:
        Refused: 401; the message does not tell which check it failed.
    """
    moment = time.time() if now is None else now
    try:
        claims = _signed(token, secret)
        _check_standard(claims, moment)
        return Claims(
            subject=claims["sub"],
            profile=claims.get("profileId"),
            permissions=frozenset(claims.get("permissions", ())),
        )
    except (_BadToken, ValueError, KeyError, TypeError):
        raise Refused(401, "unauthorized", "the token is not valid") from None


class _BadToken(Exception):
    """A check failed."""


def _signed(token: str, secret: str) -> dict[str, Any]:
    """The claims of a token that is signed with the secret."""
    head, body, signature = token.split(".")
    # The algorithm is ours to say, not the token's: "none" and the like are no algorithms here.
    if json.loads(_decoded(head)).get("alg") != "HS256":
        raise _BadToken
    made = hmac.digest(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256)
    if not hmac.compare_digest(made, _decoded(signature)):
        raise _BadToken
    claims = json.loads(_decoded(body))
    if not isinstance(claims, dict):
        raise _BadToken
    return claims


def _check_standard(claims: dict[str, Any], now: float) -> None:
    audience = claims["aud"]
    expires, issued = float(claims["exp"]), float(claims.get("iat", now))
    lives = PERSONAL_LIVES_AT_MOST_SECONDS if claims.get("use") == PERSONAL else LIVES_AT_MOST_SECONDS
    good = (
        claims["iss"] == ISSUER
        and (audience == AUDIENCE or (isinstance(audience, list) and AUDIENCE in audience))
        and isinstance(claims["sub"], str)
        and claims["sub"] != ""
        and isinstance(claims.get("permissions", []), list)
        and now < expires + CLOCKS_DIFFER_BY_SECONDS
        and issued <= now + CLOCKS_DIFFER_BY_SECONDS
        and float(claims.get("nbf", now)) <= now + CLOCKS_DIFFER_BY_SECONDS
        and expires - issued <= lives + CLOCKS_DIFFER_BY_SECONDS
    )
    if not good:
        raise _BadToken


def _decoded(part: str) -> bytes:
    # Python's decoder skips characters that are not of the alphabet; a token has none.
    if not part.replace("-", "").replace("_", "").isalnum() or not part.isascii():
        raise _BadToken
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
