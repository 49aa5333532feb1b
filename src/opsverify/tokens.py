"""Tokens as the api wants them, and as it must not take them: JSON Web Tokens (RFC 7519), HS256.

The platform has no login, so a smoke test mints its own token from the secret that the services
share. Only minting is needed, never reading, which is why no library is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsverify.environment import Auth, Environment
from opsverify.looking import CouldNotLook

VALID_SECONDS = 600
"""How long a minted token holds: longer than any run of smoke tests, shorter than a login."""
ISSUED_BEFORE_SECONDS = 60
"""How far back a token says it was issued: the target's clock may be behind ours."""
ADMIN = "admin:access"


@dataclass(frozen=True)
class Person:
    """Whom a token speaks for. Nobody real: each has ids of its own unless they are given."""

    sub: str
    """Id of the identity."""
    profile: str
    """Id of the profile that is theirs."""
    permissions: tuple[str, ...] = ()

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says of them."""
        return {
            "sub": self.sub,
            "email": f"synthetic-{self.sub}@opsverify.invalid",
            "roles": ["admin"] if ADMIN in self.permissions else ["user"],
            "permissions": list(self.permissions),
            "profileId": self.profile,
        }


def anybody(*permissions: str) -> Person:
    """A person who owns nothing."""
    return Person(str(uuid.uuid4()), str(uuid.uuid4()), permissions)


def mint(claims: Mapping[str, Any], secret: str) -> str:
    """A token with these claims, signed with HMAC-SHA256."""
    signed = _unsigned({"alg": "HS256", "typ": "JWT"}, claims)
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_part(signature)}"


def unsigned(claims: Mapping[str, Any], *, algorithm: str = "none") -> str:
    """A token that says it needs no signature, and has none (RFC 7519, 6.1)."""
    return _unsigned({"alg": algorithm, "typ": "JWT"}, claims) + "."


class Mint:
    """Makes the tokens of one environment.

    Raises:
        CouldNotLook: the environment says nothing of tokens, or the secret's variable is unset.
    """

    def __init__(self, environment: Environment) -> None:
        if environment.auth is None:
            raise CouldNotLook(
                "auth",
                f"the environment {environment.name} declares none",
                remedy=f"Declare [auth] in {environment.file.name}, or a gap: without = 'auth'.",
            )
        self.auth: Auth = environment.auth
        self._environment = environment
        self._secret = environment.secrets.require(self.auth.secret_from, of="auth").get_secret_value()

    def claims(self, person: Person, **others: Any) -> dict[str, Any]:
        """The claims of a token that is right in all but what is given otherwise."""
        now = int(time.time())
        return {
            "iss": self.auth.issuer,
            "aud": self.auth.audience,
            "iat": now - ISSUED_BEFORE_SECONDS,
            "exp": now + VALID_SECONDS,
            "jti": str(uuid.uuid4()),
            **person.claims,
            **others,
        }

    def token(self, person: Person) -> str:
        """A right token for a person, masked from now on."""
        token = mint(self.claims(person), self._secret)
        self._environment.masker.hide(token)
        return token

    def signed(self, claims: Mapping[str, Any], *, secret: str | None = None) -> str:
        """A token with any claims, signed by the environment's secret or another one.

        Not masked by itself, because hiding many values one by one takes long: whoever makes
        several hides them together.
        """
        return mint(claims, self._secret if secret is None else secret)


def _unsigned(header: Mapping[str, str], claims: Mapping[str, Any]) -> str:
    return ".".join(_part(json.dumps(one, separators=(",", ":")).encode()) for one in (header, claims))


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
