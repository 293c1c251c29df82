"""One connection: what is no HTTP gets a problem document too, and one line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from trackdesk.domain.errors import TrackdeskError, shorten
from trackdesk.server import problems
from trackdesk.server.headers import new_request_id

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, StreamResponse

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 75.0
MAX_LINE: Final = 65_536
"""Bytes of a request line; a list may be narrowed by many long words."""

OPTIONS: Final[dict[str, Any]] = {
    "access_log": None,
    "keepalive_timeout": KEEPALIVE_SECONDS,
    "max_line_size": MAX_LINE,
    "logger": log,
}
"""What aiohttp is told about each of them."""


class Malformed(TrackdeskError):
    status = 400
    code = "malformed_request"
    title = "Malformed request"


class Connection(web.RequestHandler):
    """aiohttp's, which calls `handle_error` for what it can't parse."""

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """A body that its `Content-Encoding` does not describe fails once more when aiohttp reads the rest of it; its
        sender has the answer by then, and anybody can send such things."""
        error = kw.get("exc_info")
        if isinstance(error, (web.RequestPayloadError, HttpProcessingError)):
            log.info("the rest of a body could not be read: %s", type(error).__name__)
        else:
            super().log_exception(*args, **kw)

    async def finish_response(
        self, request: BaseRequest, resp: StreamResponse, start_time: float | None
    ) -> tuple[StreamResponse, bool]:
        """aiohttp reads on what was not read of a body, to use the connection again. Of a compressed one that would be
        unpacking for nobody, a thousand times what was sent and in one go; the connection ends with the answer."""
        unread = hdrs.CONTENT_ENCODING in request.headers and not request.content.is_eof()
        if unread:
            resp.force_close()
        answered = await super().finish_response(request, resp, start_time)
        if unread:
            request.content.set_exception(web.RequestPayloadError("nobody reads the rest"))
        return answered

    def handle_error(
        self,
        request: BaseRequest,  # noqa: ARG002 - aiohttp passes it
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """The answer to what never reached an endpoint; the connection ends with it, for where the next request would
        begin is not known. Anybody can send such things, so they are not worth a traceback."""
        request_id = new_request_id()
        error: TrackdeskError
        if status >= 500:
            error = problems.as_error(
                exc if isinstance(exc, Exception) else RuntimeError(status), request_id, "a request"
            )
        else:
            log.info("request %s was malformed: %s", request_id, type(exc).__name__)
            error = Malformed(f"This is no HTTP request: {shorten((message or str(status)).splitlines()[0])}.")
        response = problems.answer(error, request_id)
        response.force_close()
        return response
