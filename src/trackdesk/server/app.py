"""The server as aiohttp knows it, made of the table of endpoints.

It is aiohttp's lower half, `web.Server`: a table of routes of our own finds the endpoint in a third of the time that
`web.Application` takes, which is what a run start or a ping would wait for most.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from aiohttp import hdrs, web

from trackdesk.contract import paths
from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.domain.errors import Invalid, NotFound, TrackdeskError
from trackdesk.domain.identity import Permission
from trackdesk.server import pings, problems
from trackdesk.server.bind import Bound
from trackdesk.server.connection import OPTIONS, Connection
from trackdesk.server.front import Front
from trackdesk.server.headers import new_request_id
from trackdesk.server.heads import Head, Heads
from trackdesk.server.routes import Routes

if TYPE_CHECKING:
    from asyncio import Task, WriteTransport
    from collections.abc import Iterable, Mapping

    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http import RawRequestMessage

    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.server.call import Handler
    from trackdesk.server.heads import Answers
    from trackdesk.server.house import House

    Found = tuple[Answers, Mapping[str, str]]

_WHERE: Final = "what there is stands at /docs, and at /openapi.json for programs"
MAX_KNOWN: Final = 4096
LONGEST_KNOWN: Final = 256
"""Characters of a path that is remembered: anybody may send long ones, and many."""
_GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class MethodNotAllowed(TrackdeskError):
    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


class App(web.Server):
    """Every endpoint under its paths; `handlers` by name of endpoint.

    Raises KeyError for an endpoint without a handler.
    """

    def __init__(self, house: House, handlers: Mapping[str, Handler], endpoints: Iterable[Endpoint[Any]]) -> None:
        super().__init__(self._respond, request_factory=self._request)
        self.house = house
        self._routes: Routes[Answers] = Routes(paths.fits)
        self._known: dict[tuple[str, str], Found] = {}
        """What was found for the last paths: jobs ask for the same few again and again."""
        self._by_pieces: set[Answers] = set()
        self.heads = Heads()
        self.fronts: set[Front] = set()
        """The connections that aiohttp knows nothing of yet."""
        self.max_body = 0
        """Bytes; the most that an endpoint takes."""
        for endpoint in endpoints:
            if endpoint.permission is not Permission.PING:  # see server/pings.py
                self.max_body = max(self.max_body, endpoint.max_body if endpoint.takes == "application/json" else 0)
                answers = Bound(endpoint, handlers[endpoint.name], house).handle
                if not (endpoint.takes == endpoint.media == "application/json"):
                    self._by_pieces.add(answers)
                for method, path in endpoint.routes:
                    self._routes.add(path, dict.fromkeys(_also_head(method), answers))
        self._pings = pings.Pings(house)

    @property
    def remembered(self) -> int:
        """How many paths are known without looking for them."""
        return len(self._known)

    def __call__(self) -> Front:  # type: ignore[override]  # which makes way for aiohttp's
        return Front(self, self._loop)

    def connection(self) -> Connection:
        """One that takes whatever comes."""
        return Connection(self, loop=self._loop, **OPTIONS)

    def pre_shutdown(self) -> None:
        super().pre_shutdown()
        for front in tuple(self.fronts):
            front.close()

    async def shutdown(self, timeout: float | None = None) -> None:
        tasks = [front.task for front in self.fronts if front.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        for front in tuple(self.fronts):
            front.abort()
        await super().shutdown(timeout)

    def whole(self, message: RawRequestMessage, length: int) -> Head | None:
        """What the head of a request says that has arrived whole, with a body of `length` bytes; None where there is
        nobody to answer it, or somebody who answers piece by piece."""
        path = message.url.raw_path
        try:
            found, _ = self._find(message.method, path)
        except Invalid:
            return None
        if found is None or found[0] in self._by_pieces:
            return None
        answers, parameters = found
        is_ping = length == 0 and path.startswith(pings.PREFIX)
        at_once, rid = self._pings.by_head(message, parameters["rest"]) if is_ping else (None, None)
        return Head(message, length, answers, parameters, at_once, rid)

    def _find(self, method: str, path: str) -> tuple[Found | None, Iterable[str]]:
        """Who answers, or the methods that the path has. Raises Invalid for a path that is no UTF-8."""
        if path.startswith(pings.PREFIX):  # by key and process: too many, see Heads
            if method not in pings.METHODS:
                return None, pings.METHODS
            return (self._pings.handle, {"rest": unquote(path[len(pings.PREFIX) :])}), ()
        known = self._known.get((method, path))
        if known is not None:
            return known, ()
        answers, parameters, allowed = self._routes.find(method, path)
        if answers is None:
            return None, allowed
        if len(path) <= LONGEST_KNOWN:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[method, path] = answers, parameters
        return (answers, parameters), allowed

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: Task[None],
    ) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=self.max_body)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            found, allowed = self._find(request.method, request.rel_url.raw_path)
        except Invalid as error:
            return self._refuse(error)
        if found is None:
            return self._nothing_there(request, allowed)
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            transport: WriteTransport = request.transport
            transport.write(_GO_ON)
        return await found[0](request, found[1])

    def _nothing_there(self, request: web.BaseRequest, allowed: Iterable[str]) -> web.Response:
        names = ", ".join(sorted(allowed))
        if not names:
            return self._refuse(NotFound(f"There is nothing at {request.path[:200]!r}; {_WHERE}."))
        error = MethodNotAllowed(f"{request.method[:20]} is not possible here, only {names}.")
        return self._refuse(error, {hdrs.ALLOW: names})

    def _refuse(self, error: TrackdeskError, headers: Mapping[str, str] | None = None) -> web.Response:
        self.house.statistics.unrouted += 1
        return problems.answer(error, new_request_id(), headers)


def _also_head(method: str) -> tuple[str, ...]:
    return (hdrs.METH_GET, hdrs.METH_HEAD) if method == hdrs.METH_GET else (method,)


def build_app(
    house: House,
    handlers: Mapping[str, Handler] | None = None,
    endpoints: Iterable[Endpoint[Any]] = ENDPOINTS,
) -> App:
    """`handlers`: those of this package unless given. Needs a running event loop."""
    if handlers is None:
        from trackdesk.server.handlers import HANDLERS  # noqa: PLC0415 - a test may bring its own

        handlers = HANDLERS
    return App(house, handlers, endpoints)
