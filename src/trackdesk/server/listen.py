"""Serving an application on an address."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from aiohttp.web import Application

SHUTDOWN_SECONDS = 3.0
"""How long requests in hand may take to finish."""
KEEPALIVE_SECONDS = 75.0
MAX_LINE: Final = 65_536
"""Bytes of a request line; a list may be narrowed by many long words."""


class _NoTracesOfStrangers(logging.Filter):
    """What is no HTTP is one line in the log: it is the sender's fault, and anybody can send much of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        if isinstance(fault, HttpProcessingError | web.RequestPayloadError):
            record.msg, record.args = "malformed request: %s", (type(fault).__name__,)
            record.exc_info, record.exc_text = None, None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


_log = logging.getLogger(__name__)
_log.addFilter(_NoTracesOfStrangers())


class Listening:
    """An application that answers at `url` until `stop`."""

    def __init__(self, runner: web.AppRunner, url: str, host: str, port: int) -> None:
        self.url = url
        self.host = host
        self.port = port
        self._runner = runner

    async def stop(self) -> None:
        """Take no new connections, end the live streams, finish what is in hand."""
        await self._runner.cleanup()


async def listen(app: Application, host: str, port: int) -> Listening:
    """Bind and serve; port 0 takes a free one. Raises OSError when the address is not to be had."""
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
        max_line_size=MAX_LINE,
        logger=_log,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except BaseException:
        await runner.cleanup()
        raise
    bound_host, bound_port = runner.addresses[0][:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    return Listening(runner, f"http://{shown}:{bound_port}", bound_host, bound_port)
