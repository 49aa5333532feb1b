"""What is told of a profile: its narrative through a mask, and its export."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_platform.services.api import profiles, taxonomy
from reference_platform.services.api.tools import Tools, answer
from reference_platform.services.asked import identifier
from reference_platform.services.bodies import Body, Json, read
from reference_platform.services.errors import not_found


class Wish(Body):
    """Which mask tells, if any."""

    mask_id: str | None = None


class Occasion(Body):
    """What a mask is wanted for."""

    tags: Annotated[tuple[str, ...], Field(max_length=20)] = ()


def routes(tools: Tools) -> list[Route]:
    """The endpoints that tell of a profile."""

    async def narrative(request: Request) -> Response:
        """A short text of blocks, one for each epoch."""
        identity = identifier(request)
        tools.owner(request, identity)
        wanted = await read(request, Wish)
        profile = await profiles.existing(tools, identity)
        mask = await _mask(tools, wanted.mask_id)
        blocks = [
            {"title": epoch["name"], "body": f"{profile['displayName']}, {mask['name']}: {epoch['summary']}"}
            for epoch in await taxonomy.entries(tools, "epochs")
        ]
        return answer(data={"maskId": mask["id"], "blocks": blocks})

    async def select(request: Request) -> Response:
        """The mask whose category is asked for, else the first."""
        identity = identifier(request)
        tools.owner(request, identity)
        wanted = await read(request, Occasion)
        await profiles.existing(tools, identity)
        masks = await taxonomy.entries(tools, "masks")
        fitting = [mask for mask in masks if mask["category"] in wanted.tags]
        return answer(data={"mask": (fitting or masks)[0]})

    async def export(request: Request) -> Response:
        """The profile as linked data."""
        identity = identifier(request)
        tools.owner(request, identity)
        profile = await profiles.existing(tools, identity)
        document = {
            "@context": "https://schema.org",
            "@type": "Person",
            "@id": f"urn:uuid:{identity}",
            "name": profile["displayName"],
            "alternateName": profile["slug"],
            "dateModified": profile["updatedAt"],
        }
        return JSONResponse(document, media_type="application/ld+json")

    return [
        Route("/profiles/{id}/narrative", narrative, methods=["POST"]),
        Route("/profiles/{id}/masks/select", select, methods=["POST"]),
        Route("/profiles/{id}/export/jsonld", export),
    ]


async def _mask(tools: Tools, wanted: str | None) -> Json:
    for mask in await taxonomy.entries(tools, "masks"):
        if wanted is None or mask["id"] == wanted:
            return mask
    raise not_found("mask")
