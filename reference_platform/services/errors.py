"""Errors as the platform answers them: `{"ok": false, "error": "…", "message": "…"}`."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reference_platform.services.logs import ERROR, Log


class Refused(Exception):
    """A request that is not carried out, and what the client is told."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


def not_found(what: str) -> Refused:
    """404: there is no such thing."""
    return Refused(404, "not_found", f"{what} not found")


def invalid(message: str) -> Refused:
    """400: the request makes no sense."""
    return Refused(400, "invalid_request", message)


def handlers(
    log: Log, away: Iterable[type[Exception]] = ()
) -> dict[type[Exception] | int, Callable[[Request, Exception], Awaitable[Response]]]:
    """What answers each kind of exception.

    Args:
        log: where errors are written that are not the client's.
        away: what is raised when something that the service needs does not answer.
    """

    async def told(_: Request, error: Exception) -> Response:
        match error:
            case Refused():
                return _answer(error.status, error.error, error.message)
            case HTTPException(status_code=404):
                return _answer(404, "not_found", "there is no such route")
            case HTTPException():
                return _answer(error.status_code, "refused", error.detail)
        raise error

    async def dependency_away(request: Request, error: Exception) -> Response:
        log.write(ERROR, "a dependency does not answer", err=_shown(error), path=request.url.path)
        return _answer(503, "unavailable", "try again later")

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.write(ERROR, "unhandled error", err=_shown(error), path=request.url.path)
        return _answer(500, "internal_error", "internal error")

    return {
        Refused: told,
        HTTPException: told,
        **dict.fromkeys(away, dependency_away),
        Exception: unforeseen,
    }


def _answer(status: int, error: str, message: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error": error, "message": message}, status_code=status)


def _shown(error: Exception) -> dict[str, str]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "stack": "".join(traceback.format_exception(error)),
    }
