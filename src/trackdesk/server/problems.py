"""Errors as answers: RFC 9457 problem documents."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import orjson
from aiohttp import web
from multidict import CIMultiDict

from trackdesk.domain.errors import TrackdeskError, Unavailable
from trackdesk.server.headers import BASE_HEADERS, REQUEST_ID
from trackdesk.store.errors import Busy, Overloaded, StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

PROBLEM_HEADERS: Final = CIMultiDict({**BASE_HEADERS, "Content-Type": "application/problem+json"})
STORAGE_RETRY = 10
"""Seconds after which a full disk is worth another try."""


def as_error(error: BaseException, request_id: str, what: str) -> TrackdeskError:
    """What a caller is told; faults of our own are logged under the request's id and told by that alone."""
    if isinstance(error, TrackdeskError):
        return error
    if isinstance(error, Overloaded | Busy):
        return Unavailable("More is waiting for the disk than can be taken now.")
    if isinstance(error, StorageFull):
        log.error("request %s, %s: %s", request_id, what, error)
        return Unavailable("The disk takes no more.", code="storage_full", retry_after=STORAGE_RETRY)
    if type(error) is StoreError:
        log.error("request %s, %s: %s", request_id, what, error)
        return Unavailable("The database is not ready.", code="not_ready")
    log.error("request %s, %s failed", request_id, what, exc_info=error)
    return TrackdeskError(f"Something went wrong; the server's log has it under {request_id}.")


def answer(error: TrackdeskError, request_id: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """The problem document of an error."""
    body = {
        "type": f"urn:trackdesk:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "errors": [{"field": each.field, "message": each.message} for each in error.errors],
    }
    if error.status >= 500:
        body["request_id"] = request_id
    response = web.Response(body=orjson.dumps(body), status=error.status, headers=PROBLEM_HEADERS)
    response.headers[REQUEST_ID] = request_id
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="trackdesk"'
    response.headers.update(headers or {})
    return response
