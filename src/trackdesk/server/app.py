"""The aiohttp application, made of the table of endpoints."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.domain.errors import NotFound, TrackdeskError
from trackdesk.domain.identity import Permission
from trackdesk.server import pings, problems
from trackdesk.server.bind import Bound
from trackdesk.server.headers import new_request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.server.call import Handler
    from trackdesk.server.house import House

    AioHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_WHERE = "what there is stands at /docs, and at /openapi.json for programs"


class MethodNotAllowed(TrackdeskError):
    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


def build_app(
    house: House,
    handlers: Mapping[str, Handler] | None = None,
    endpoints: Iterable[Endpoint[Any]] = ENDPOINTS,
) -> web.Application:
    """Every endpoint under its paths; `handlers` by name of endpoint, those of this package unless given.

    Raises KeyError for an endpoint without a handler.
    """
    if handlers is None:
        from trackdesk.server.handlers import HANDLERS  # noqa: PLC0415 - a test may bring its own

        handlers = HANDLERS
    endpoints = tuple(endpoints)
    app = web.Application(client_max_size=max(each.max_body for each in endpoints if each.takes == "application/json"))
    app.router.add_route("*", "/{unknown:.*}", _not_found(house))
    for path, methods in _by_path(endpoints, handlers, house):
        resource = app.router.add_resource(path)
        for method, handler in methods.items():
            resource.add_route(method, handler)
        resource.add_route("*", _not_allowed(house, sorted(methods)))
    ping, answers = app.router.add_resource(pings.ROUTE), pings.Pings(house)
    for method in pings.METHODS:
        ping.add_route(method, answers.handle)
    ping.add_route("*", _not_allowed(house, list(pings.METHODS)))
    app.on_shutdown.append(_let_streams_go(house))
    return app


def _by_path(
    endpoints: Iterable[Endpoint[Any]], handlers: Mapping[str, Handler], house: House
) -> list[tuple[str, dict[str, AioHandler]]]:
    """Paths with their methods; a fixed segment before a parameter in its place, so that it is what matches."""
    paths: defaultdict[str, dict[str, AioHandler]] = defaultdict(dict)
    for endpoint in endpoints:
        if endpoint.permission is Permission.PING:
            continue  # see server/pings.py
        bound = Bound(endpoint, handlers[endpoint.name], house)
        for method, path in endpoint.routes:
            paths[path][method] = bound.handle
            if method == hdrs.METH_GET:
                paths[path][hdrs.METH_HEAD] = bound.handle
    return sorted(paths.items(), key=lambda item: _order(item[0]))


def _order(path: str) -> tuple[int, list[bool]]:
    segments = path.split("/")
    return len(segments), [segment.startswith("{") for segment in segments]


def _not_found(house: House) -> AioHandler:
    async def handle(request: web.Request) -> web.Response:
        house.statistics.unrouted += 1
        return problems.answer(NotFound(f"There is nothing at {request.path[:200]!r}; {_WHERE}."), new_request_id())

    return handle


def _not_allowed(house: House, methods: list[str]) -> AioHandler:
    allowed = ", ".join(methods)

    async def handle(request: web.Request) -> web.Response:
        house.statistics.unrouted += 1
        error = MethodNotAllowed(f"{request.method[:20]} is not possible here, only {allowed}.")
        return problems.answer(error, new_request_id(), {hdrs.ALLOW: allowed})

    return handle


def _let_streams_go(house: House) -> Callable[[web.Application], Awaitable[None]]:
    async def let_go(_: web.Application) -> None:
        house.let_go()

    return let_go
