"""The engineer on call: what they log in with, and what they hold besides."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from reference_platform import postgres
from reference_platform.services.tokens import AUDIENCE, ISSUER, PERSONAL, PERSONAL_LIVES_AT_MOST_SECONDS
from reference_platform.state import Platform, Settings

ROLE = "engineer"


def make(platform: Platform) -> None:
    """Make their role: it may read everything and change nothing."""
    from psycopg import sql

    password = sql.Literal(platform.settings.engineer_password)
    with postgres.admin(platform) as session:
        session.execute(
            sql.SQL("CREATE ROLE engineer LOGIN PASSWORD {} IN ROLE pg_read_all_data").format(password)
        )


def variables(settings: Settings, *, permissions: tuple[str, ...] = (), secret: str = "") -> dict[str, str]:
    """Their own variables.

    Args:
        settings: of the platform.
        permissions: that their token carries; without any they are no admin of the api.
        secret: what the token is signed with; nothing: the services' secret.
    """
    port = settings.ports["postgres"]
    return {
        "ENGINEER_DATABASE_URL": f"postgresql://{ROLE}:{settings.engineer_password}@127.0.0.1:{port}/midst",
        "ENGINEER_TOKEN": _token(secret or settings.jwt_secret, permissions),
    }


def _token(secret: str, permissions: tuple[str, ...]) -> str:
    """A personal token: it lives longer than a platform is kept up."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "new-engineer",
        "use": PERSONAL,
        "permissions": list(permissions),
        "iat": now,
        "exp": now + PERSONAL_LIVES_AT_MOST_SECONDS,
    }
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_encoded(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def _part(table: dict[str, Any]) -> str:
    return _encoded(json.dumps(table, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
