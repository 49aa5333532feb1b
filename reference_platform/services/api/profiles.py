"""Profiles: made, read, changed, listed and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

import psycopg
from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reference_platform.services.api.tools import Tools, answer
from reference_platform.services.asked import identifier, page
from reference_platform.services.bodies import Body, Json, read
from reference_platform.services.cache import PROFILE_SECONDS
from reference_platform.services.errors import Refused, not_found

Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
DisplayName = Annotated[str, Field(min_length=1, max_length=200)]


class NewProfile(Body):
    """What a client sends to make one."""

    id: UUID
    identity_id: UUID
    slug: Slug
    display_name: DisplayName
    did: str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class Change(Body):
    """What a client sends to change one; what is left out stays."""

    slug: Slug | None = None
    display_name: DisplayName | None = None
    did: str | None = None


def cache_key(profile: UUID) -> str:
    """Where a profile's summary is kept."""
    return f"profile:{profile}"


async def existing(tools: Tools, profile: UUID) -> Json:
    """A profile as it is answered, from the cache or the database.

    Raises:
        Refused: 404, there is none.
    """

    async def make() -> Json | None:
        rows = await tools.database.rows("SELECT * FROM profiles WHERE id = %s", profile)
        return _shown(rows[0]) if rows else None

    found = await tools.cache.get_or_make(cache_key(profile), PROFILE_SECONDS, make)
    if found is None:
        raise not_found("profile")
    return dict(found)


@dataclass(frozen=True)
class Profiles:
    """The endpoints for profiles."""

    tools: Tools

    async def create(self, request: Request) -> Response:
        """Make a profile: one's own, or any as an admin."""
        caller = self.tools.caller(request)
        new = await read(request, NewProfile)
        if not caller.is_admin and caller.profile != str(new.id):
            raise Refused(403, "forbidden", "a profile is made by its owner")
        rows = await self._written(
            "INSERT INTO profiles (id, identity_id, slug, display_name, did, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, COALESCE(%s, now()), COALESCE(%s, now())) RETURNING *",
            *(new.id, new.identity_id, new.slug, new.display_name, new.did),
            *(new.created_at, new.updated_at),
        )
        await self.tools.cache.forget(cache_key(new.id))
        return answer(201, data=_shown(rows[0]))

    async def list(self, request: Request) -> Response:
        """A page of all profiles, the oldest first."""
        self.tools.caller(request)
        limit, offset = page(request)
        rows = await self.tools.database.rows(
            "SELECT * FROM profiles ORDER BY created_at, id LIMIT %s OFFSET %s", limit, offset
        )
        counted = await self.tools.database.rows("SELECT count(*) AS total FROM profiles")
        return answer(offset=offset, limit=limit, data=[*map(_shown, rows)], total=counted[0]["total"])

    async def get(self, request: Request) -> Response:
        """One profile."""
        profile = identifier(request)
        self.tools.owner(request, profile)
        return answer(data=await existing(self.tools, profile))

    async def change(self, request: Request) -> Response:
        """Change a profile."""
        profile = identifier(request)
        self.tools.owner(request, profile)
        wanted = await read(request, Change)
        rows = await self._written(
            "UPDATE profiles SET slug = COALESCE(%s, slug), display_name = COALESCE(%s, display_name),"
            " did = COALESCE(%s, did), updated_at = now() WHERE id = %s RETURNING *",
            *(wanted.slug, wanted.display_name, wanted.did, profile),
        )
        await self.tools.cache.forget(cache_key(profile))
        if not rows:
            raise not_found("profile")
        return answer(data=_shown(rows[0]))

    async def delete(self, request: Request) -> Response:
        """Delete a profile and all that belongs to it."""
        profile = identifier(request)
        self.tools.owner(request, profile)
        rows = await self._written("DELETE FROM profiles WHERE id = %s RETURNING id", profile)
        await self.tools.cache.forget(cache_key(profile))
        if not rows:
            raise not_found("profile")
        return answer(data={"id": str(profile)})

    def routes(self) -> Sequence[Route]:
        """Each endpoint's path and method."""
        return [
            Route("/profiles", self.create, methods=["POST"]),
            Route("/profiles", self.list, methods=["GET"]),
            Route("/profiles/{id}", self.get, methods=["GET"]),
            Route("/profiles/{id}", self.change, methods=["PATCH"]),
            Route("/profiles/{id}", self.delete, methods=["DELETE"]),
        ]

    async def _written(self, statement: LiteralString, *values: object) -> Sequence[Json]:
        try:
            return await self.tools.database.rows(statement, *values)
        except psycopg.errors.UniqueViolation:
            raise Refused(409, "conflict", "there is a profile with this id or slug") from None


def _shown(row: dict[str, Any]) -> Json:
    def time(value: datetime) -> str:
        return value.isoformat().replace("+00:00", "Z")

    return {
        "id": str(row["id"]),
        "identityId": str(row["identity_id"]),
        "slug": row["slug"],
        "displayName": row["display_name"],
        "did": row["did"],
        "createdAt": time(row["created_at"]),
        "updatedAt": time(row["updated_at"]),
    }
