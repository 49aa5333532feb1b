"""The job search, and how often a profile may use it."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_platform.services.api import billing, profiles
from reference_platform.services.api.tools import Tools, answer
from reference_platform.services.asked import identifier, page
from reference_platform.services.bodies import Body, Json, read
from reference_platform.services.cache import SEARCH_SECONDS
from reference_platform.services.errors import Refused

FEATURE = "hunter_search"


class Search(Body):
    """What is searched for."""

    keywords: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1, max_length=20)
    ]


def routes(tools: Tools) -> list[Route]:
    """The endpoints for the job search."""

    async def search(request: Request) -> Response:
        """Find postings that have one of the keywords."""
        began = time.perf_counter()
        profile = identifier(request)
        tools.owner(request, profile)
        wanted = await read(request, Search)
        await profiles.existing(tools, profile)
        await _count_use(tools, profile)
        keywords = sorted({word.lower() for word in wanted.keywords})

        async def make() -> list[Json]:
            rows = await tools.database.rows(
                "SELECT * FROM job_postings WHERE keywords && %s ORDER BY posted_at DESC, title", keywords
            )
            return [*map(_shown, rows)]

        digest = hashlib.sha256(json.dumps(keywords).encode()).hexdigest()[:16]
        jobs = await tools.cache.get_or_make(f"search:{profile}:{digest}", SEARCH_SECONDS, make)
        took = round((time.perf_counter() - began) * 1000, 3)
        return JSONResponse({"jobs": jobs, "totalFound": len(jobs), "searchDurationMs": took})

    async def postings(request: Request) -> Response:
        """A page of all postings, open to all."""
        limit, offset = page(request)
        rows = await tools.database.rows(
            "SELECT * FROM job_postings ORDER BY posted_at DESC, title LIMIT %s OFFSET %s", limit, offset
        )
        counted = await tools.database.rows("SELECT count(*) AS total FROM job_postings")
        return answer(offset=offset, limit=limit, data=[*map(_shown, rows)], total=counted[0]["total"])

    return [
        Route("/profiles/{id}/hunter/search", search, methods=["POST"]),
        Route("/postings", postings),
    ]


async def _count_use(tools: Tools, profile: UUID) -> None:
    """Count a search, if its profile's tier has a limit.

    Raises:
        Refused: 429, the month's searches are used up.
    """
    subscription = await billing.subscription(tools, profile)
    rows = await tools.database.rows(
        "SELECT a_month FROM rate_limits WHERE tier = %s AND feature = %s", subscription["tier"], FEATURE
    )
    limit = rows[0]["a_month"] if rows else None
    if limit is None:
        return
    month = datetime.now(UTC).strftime("%Y-%m")
    if await tools.cache.count(f"quota:{FEATURE}:{profile}:{month}") > limit:
        raise Refused(429, "quota_exceeded", f"this tier has {limit} searches a month")


def _shown(row: Json) -> Json:
    return {
        "id": str(row["id"]),
        "title": row["title"],
        "company": row["company"],
        "location": row["location"],
        "keywords": row["keywords"],
        "postedAt": row["posted_at"].isoformat().replace("+00:00", "Z"),
    }
