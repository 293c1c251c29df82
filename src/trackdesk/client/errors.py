"""What goes wrong between client and server, and answers turned back into the errors they were."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from trackdesk.domain import errors
from trackdesk.domain.errors import FieldError, TrackdeskError


class ServerAway(TrackdeskError):
    """Nobody answered in full: the connection was refused, lost or too slow. What was sent may have arrived."""

    status = 503
    code = "server_away"
    title = "The server does not answer"


_BY_STATUS: Final[dict[int, type[TrackdeskError]]] = {
    400: errors.Invalid,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    429: errors.RateLimited,
    503: errors.Unavailable,
}


def from_answer(status: int, body: bytes, retry_after: str | None = None) -> TrackdeskError:
    """The error that a problem document tells of; `body` may be anything, for a proxy may have written it."""
    problem = _problem(body)
    kind = _BY_STATUS.get(status, TrackdeskError)
    error = kind.__new__(kind)
    redirect = (
        " with a redirect, which is not followed: use the address that it leads to" if 300 <= status < 400 else ""
    )
    detail = str(problem.get("detail") or f"The server answered {status}{redirect}.")
    TrackdeskError.__init__(error, detail, errors=_fields(problem.get("errors")), code=problem.get("code") or kind.code)
    error.status = status
    if isinstance(error, errors.Invalid):
        error.field = error.errors[0].field if error.errors else "request"
    if retry_after is not None and retry_after.isdigit():
        error.retry_after = int(retry_after)
    return error


def why_away(error: Exception) -> str:
    """Why there was no answer, without what aiohttp adds for those who write clients."""
    import aiohttp  # noqa: PLC0415

    if not isinstance(error, aiohttp.ClientConnectorError) or isinstance(error, aiohttp.ClientSSLError):
        return str(error) or "it takes too long"
    number = error.os_error.errno
    return os.strerror(number).lower() if number is not None and number > 0 else str(error.os_error.strerror or error)


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _fields(given: object) -> tuple[FieldError, ...]:
    if not isinstance(given, list):
        return ()
    return tuple(
        FieldError(str(each.get("field", "")), str(each.get("message", ""))) for each in given if isinstance(each, dict)
    )
