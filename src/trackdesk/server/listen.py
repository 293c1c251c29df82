"""Serving on an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from trackdesk.server.app import App

SHUTDOWN_SECONDS = 3.0
"""How long requests in hand may take to finish."""


class Listening:
    """An application that answers at `url` until `stop`."""

    def __init__(self, app: App, runner: web.ServerRunner, url: str, host: str, port: int) -> None:
        self.url = url
        self.host = host
        self.port = port
        self._app = app
        self._runner = runner

    async def stop(self) -> None:
        """Take no new connections, end the live streams, finish what is in hand."""
        self._app.house.let_go()
        await self._runner.cleanup()


async def listen(app: App, host: str, port: int) -> Listening:
    """Bind and serve; port 0 takes a free one. Raises OSError when the address is not to be had."""
    runner = web.ServerRunner(app, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except BaseException:
        await runner.cleanup()
        raise
    bound_host, bound_port = runner.addresses[0][:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    return Listening(app, runner, f"http://{shown}:{bound_port}", bound_host, bound_port)
