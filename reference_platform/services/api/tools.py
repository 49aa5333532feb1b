"""What the api's endpoints work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reference_platform.services import tokens
from reference_platform.services.cache import Cache
from reference_platform.services.database import Database
from reference_platform.services.errors import Refused
from reference_platform.services.settings import Settings
from reference_platform.services.tokens import Claims

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Tools:
    """The api's database, cache and settings."""

    database: Database
    cache: Cache
    settings: Settings

    def caller(self, request: Request) -> Claims:
        """Who asks, by a valid token.

        Raises:
            Refused: 401, there is none.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Refused(401, "unauthorized", "a bearer token is needed")
        return tokens.verify(token.strip(), self.settings.jwt_secret)

    def owner(self, request: Request, profile: UUID) -> Claims:
        """Who asks, if the profile is theirs or they are an admin.

        Raises:
            Refused: 401 without a valid token, 403 for somebody else's profile.
        """
        caller = self.caller(request)
        if not caller.is_admin and caller.profile != str(profile):
            raise Refused(403, "forbidden", "this profile is somebody else's")
        return caller


def answer(status: int = 200, **fields: object) -> JSONResponse:
    """A good answer: `{"ok": true, …}`."""
    return JSONResponse({"ok": True, **fields}, status_code=status)
