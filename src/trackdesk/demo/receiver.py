"""The other end of the company's webhooks: one that takes everything, and one that is away now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from typing import Self


class Receiver:
    """Listens on a free port of this machine."""

    def __init__(self) -> None:
        self.port = 0
        self.taken = 0
        self._asked = 0
        app = web.Application()
        app.router.add_post("/chat", self._chat)
        app.router.add_post("/pager", self._pager)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handle_signals=False)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def url(self, name: str) -> str:
        return f"webhook+http://127.0.0.1:{self.port}/{name}"

    async def _chat(self, request: web.Request) -> web.Response:
        await request.read()
        self.taken += 1
        return web.Response(text="ok")

    async def _pager(self, request: web.Request) -> web.Response:
        await request.read()
        self._asked += 1
        if self._asked % 4 == 2:
            return web.Response(status=503, headers={"Retry-After": "5"}, text="restarting")
        self.taken += 1
        return web.Response(text="ok")
