"""Reading what a client asked: bounded, and an error of its own for each thing that can be wrong."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request

from reference_platform.services.errors import Refused, invalid

AT_MOST_BYTES = 1024 * 1024
PAGE_AT_MOST = 100


async def raw_body(request: Request) -> bytes:
    """The body as it came.

    Raises:
        Refused: 413, it is larger than a megabyte.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > AT_MOST_BYTES:
            raise Refused(413, "payload_too_large", f"a body has at most {AT_MOST_BYTES} bytes")
    return body


def is_json(request: Request) -> bool:
    """Whether the client says that it sends JSON."""
    return request.headers.get("content-type", "").split(";")[0].strip() == "application/json"


def identifier(request: Request, name: str = "id") -> UUID:
    """A UUID in the path.

    Raises:
        Refused: 400, it is none.
    """
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise invalid(f"{name} is not a UUID") from None


def page(request: Request) -> tuple[int, int]:
    """`limit` and `offset` of a list, 20 and 0 unless told.

    Raises:
        Refused: 400, they are no numbers or out of range.
    """
    try:
        limit = int(request.query_params.get("limit", "20"))
        offset = int(request.query_params.get("offset", "0"))
    except ValueError:
        raise invalid("limit and offset are numbers") from None
    if not 1 <= limit <= PAGE_AT_MOST or not 0 <= offset < 2**31:
        raise invalid(f"limit is 1 to {PAGE_AT_MOST}, offset is not negative")
    return limit, offset
