"""The server as aiohttp knows it, made of the table of endpoints.

It is aiohttp's lower half, `web.Server`: a table of routes of our own finds the endpoint in a third of the time that
`web.Application` takes, which is what a run start or a ping would wait for most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web

from trackdesk.contract import paths
from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.domain.errors import Invalid, NotFound, TrackdeskError
from trackdesk.domain.identity import Permission
from trackdesk.server import pings, problems
from trackdesk.server.bind import Bound
from trackdesk.server.connection import OPTIONS, Connection
from trackdesk.server.headers import new_request_id
from trackdesk.server.routes import Routes

if TYPE_CHECKING:
    from asyncio import Task, WriteTransport
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http import RawRequestMessage

    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.server.call import Handler
    from trackdesk.server.house import House

    Answers = Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[web.StreamResponse]]

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
        self._known: dict[tuple[str, str], tuple[Answers, Mapping[str, str]]] = {}
        """What was found for the last paths: jobs ask for the same few again and again."""
        self._max_body = 0
        for endpoint in endpoints:
            if endpoint.permission is not Permission.PING:  # see server/pings.py
                self._max_body = max(self._max_body, endpoint.max_body if endpoint.takes == "application/json" else 0)
                answers = Bound(endpoint, handlers[endpoint.name], house).handle
                for method, path in endpoint.routes:
                    self._routes.add(path, dict.fromkeys(_also_head(method), answers))
        self._pings = pings.Pings(house).handle
        self._routes.add(pings.ROUTE, dict.fromkeys(pings.METHODS, self._pings))

    @property
    def remembered(self) -> int:
        """How many paths are known without looking for them."""
        return len(self._known)

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=self._loop, **OPTIONS)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: Task[None],
    ) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=self._max_body)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = (request.method, request.rel_url.raw_path)
        known = self._known.get(asked)
        if known is None:
            try:
                answers, parameters, allowed = self._routes.find(*asked)
            except Invalid as error:
                return self._refuse(error)
            if answers is None:
                return self._nothing_there(request, allowed)
            known = (answers, parameters)
            if len(asked[1]) <= LONGEST_KNOWN and answers != self._pings:  # a ping's path holds a secret
                if len(self._known) >= MAX_KNOWN:
                    self._known.clear()
                self._known[asked] = known
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            transport: WriteTransport = request.transport
            transport.write(_GO_ON)
        return await known[0](request, known[1])

    def _nothing_there(self, request: web.BaseRequest, allowed: set[str]) -> web.Response:
        if not allowed:
            return self._refuse(NotFound(f"There is nothing at {request.path[:200]!r}; {_WHERE}."))
        names = ", ".join(sorted(allowed))
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
