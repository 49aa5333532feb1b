"""The taxonomy: masks, epochs and stages."""

from __future__ import annotations

from typing import LiteralString

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reference_platform.services.api.tools import Endpoint, Tools, answer
from reference_platform.services.bodies import Json
from reference_platform.services.cache import TAXONOMY_SECONDS
from reference_platform.services.errors import not_found

STATEMENTS: dict[str, LiteralString] = {
    "masks": "SELECT id, name, category, summary FROM masks ORDER BY position",
    "epochs": "SELECT id, name, summary, position FROM epochs ORDER BY position",
    "stages": "SELECT id, name, summary, position FROM stages ORDER BY position",
}


async def entries(tools: Tools, kind: str) -> list[Json]:
    """All entries of a kind, from the cache or the database."""

    async def make() -> list[Json]:
        return [dict(row) for row in await tools.database.rows(STATEMENTS[kind])]

    found: list[Json] = await tools.cache.get_or_make(f"taxonomy:{kind}", TAXONOMY_SECONDS, make)
    return found


def routes(tools: Tools) -> list[Route]:
    """The endpoints for the taxonomy; they are open to all."""

    def listing(kind: str) -> Endpoint:
        async def list_(_: Request) -> Response:
            found = await entries(tools, kind)
            return answer(data=found, total=len(found))

        return list_

    async def mask(request: Request) -> Response:
        """One mask."""
        for one in await entries(tools, "masks"):
            if one["id"] == request.path_params["id"]:
                return answer(data=one)
        raise not_found("mask")

    return [
        *(Route(f"/taxonomy/{kind}", listing(kind)) for kind in STATEMENTS),
        Route("/taxonomy/masks/{id}", mask),
    ]
