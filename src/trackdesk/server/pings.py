"""Pings over HTTP: a wrapper of their own, because they carry their secret in the path and are answered in plain words.

Nothing of a path is ever logged or repeated here.
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from trackdesk.contract.ping import PING_OWN, PING_PROCESS
from trackdesk.domain.errors import Invalid, Unavailable
from trackdesk.domain.identity import Permission
from trackdesk.domain.ping import BODY_LIMIT, KEY_IN_HEADER, body_text, parse_path, parse_rid
from trackdesk.engine import pings
from trackdesk.engine.ping_batch import Ping
from trackdesk.server import problems
from trackdesk.server.answer import Constant, is_plain
from trackdesk.server.bind import CLIENT_GONE, SLOW
from trackdesk.server.door import X_NAMESPACE
from trackdesk.server.headers import BASE_HEADERS, new_request_id
from trackdesk.server.limits import BODY_SECONDS, MAX_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.http import RawRequestMessage

    from trackdesk.domain.identity import Caller
    from trackdesk.domain.ping import Pinged
    from trackdesk.server.heads import AtOnce, Reply
    from trackdesk.server.house import House
    from trackdesk.server.statistics import EndpointCounts

log = logging.getLogger(__name__)

PREFIX: Final = "/ping/"
"""Everything below it is a ping."""
METHODS: Final = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST)
_ACTOR: Final = "ping"
"""Who calls by a process's own address: it belongs to no key."""
_TYPE: Final = "text/plain; charset=utf-8"
_MORE: Final = {
    "Access-Control-Allow-Origin": "*",  # pages may ping; they send nothing along that others hadn't
    "Ping-Body-Limit": str(BODY_LIMIT),
}
_HEADERS: Final = {**BASE_HEADERS, **_MORE, "Content-Type": _TYPE}
_WORDS: Final = {200: b"OK", 201: b"Created"}
_ANSWERS: Final = {status: Constant(status, _TYPE, _MORE, word) for status, word in _WORDS.items()}
_REFUSALS: Final = {404: "not found", 429: "rate limited"}
_INVALID: Final = {"url": "invalid url format", "rid": "invalid uuid format"}


class Pings:
    """Answers everything below `PREFIX`; `path` has that as `rest`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._statistics = house.statistics
        self._by_key = house.statistics.of(PING_PROCESS.name)
        self._own = house.statistics.of(PING_OWN.name)

    async def handle(self, request: web.BaseRequest, path: Mapping[str, str]) -> web.StreamResponse:
        """Never raises for what a caller can do wrong."""
        started = perf_counter()
        statistics, counts = self._statistics, self._by_key
        statistics.in_flight += 1
        try:
            said = parse_path(path["rest"])
            if said.process is None:
                counts = self._own
            response = _answer(request, 201 if await self._send(request, said) else 200)
        except asyncio.CancelledError:
            raise
        except ConnectionError:
            if request.transport is not None:
                request.transport.abort()
            response = web.Response(status=CLIENT_GONE)
        except Exception as error:
            response = _refusal(error)
            if request.content.exception() is not None:  # where the next request would begin is not known
                response.force_close()
        finally:
            statistics.in_flight -= 1
        _count(counts, response.status, started)
        return response

    def by_head(self, message: RawRequestMessage, rest: str) -> tuple[AtOnce | None, str | None]:
        """Answers a ping of which the head says it all: a key and a process in its path, no query but a `rid` as it is
        stored, no body; and that `rid`."""
        query = message.url.raw_query_string
        try:
            said, rid = parse_path(rest), _rid(query) if query else None
        except Invalid:
            return None, None
        if said.process is None or said.secret == KEY_IN_HEADER or query != ("" if rid is None else f"rid={rid}"):
            return None, None
        context = partial(_context_of, message.method, agent=_agent(message.headers))
        return partial(self._send_again, said, context), rid

    def _send_again(
        self, said: Pinged, context: Callable[[str | None], str], remote: str | None, rid: str | None, reply: Reply
    ) -> asyncio.Future[pings.Told] | None:
        """Without a task, which costs as much as all else here."""
        started = perf_counter()
        self._statistics.in_flight += 1
        try:
            self._check_room()
            caller = self._house.door.enter_by_path(said.secret)
            ping = Ping(caller.namespace_id, caller.actor, said, rid, "", context(remote))
            future = pings.begin(self._house.engine, ping)
        except Exception as error:
            self._statistics.in_flight -= 1
            self._reply(_refusal(error), started, reply)
            return None
        future.add_done_callback(partial(self._sent, started, reply))
        return future

    def _sent(self, started: float, reply: Reply, future: asyncio.Future[pings.Told]) -> None:
        self._statistics.in_flight -= 1
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._reply(_refusal(error), started, reply)
        else:
            self._reply(_ANSWERS[201 if future.result().made_process else 200](), started, reply)

    def _reply(self, response: web.StreamResponse, started: float, reply: Reply) -> None:
        _count(self._by_key, response.status, started)
        reply(response)

    def _check_room(self) -> None:
        if self._statistics.in_flight > MAX_IN_FLIGHT:
            raise Unavailable(f"{MAX_IN_FLIGHT} requests are in hand already.")

    async def _send(self, request: web.BaseRequest, said: Pinged) -> bool:
        """True when it made its process. Raises Invalid, NotFound, RateLimited, Unavailable."""
        self._check_room()
        query = request.rel_url.raw_query_string
        rid = _rid(query) if query else None
        namespace_id, actor = None, _ACTOR
        if said.process is not None:
            door = self._house.door
            by_path = said.secret != KEY_IN_HEADER
            caller = door.enter_by_path(said.secret) if by_path else await self._by_header(request)
            namespace_id, actor = caller.namespace_id, caller.actor
        text = body_text(await _body(request)) if request.body_exists else ""
        return await pings.send(self._house.engine, Ping(namespace_id, actor, said, rid, text, _context(request)))

    async def _by_header(self, request: web.BaseRequest) -> Caller:
        door, headers = self._house.door, request.headers
        caller = door.enter(headers, Permission.INGEST)
        namespace = headers.get(X_NAMESPACE)
        return caller if namespace is None else await door.in_namespace(caller, namespace)


def _answer(request: web.BaseRequest, status: int) -> web.StreamResponse:
    if is_plain(request):
        return _ANSWERS[status]()
    return web.Response(body=_WORDS[status], status=status, headers=_HEADERS)


def _refusal(cause: BaseException) -> web.Response:
    error = problems.as_error(cause, new_request_id(), "a ping")
    word = _REFUSALS.get(error.status, error.title.lower())
    if isinstance(error, Invalid):
        word = _INVALID.get(error.field, error.detail)
    response = web.Response(body=word.encode(), status=error.status, headers=_HEADERS)
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(error.retry_after)
    return response


def _count(counts: EndpointCounts, status: int, started: float) -> None:
    took = perf_counter() - started
    counts.count(status, took)
    if took > SLOW:
        log.warning("a ping: %d after %.1f s", status, took)


def _rid(query: str) -> str | None:
    given = dict(parse_qsl(query, keep_blank_values=True)).get("rid")
    return None if given is None else parse_rid(given)


async def _body(request: web.BaseRequest) -> bytes:
    """As much of it as is kept; the rest is passed over, or ends the connection (`Connection`). Raises Invalid."""
    chunks: list[bytes] = []
    left = BODY_LIMIT + 1
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while left > 0 and (chunk := await request.content.read(left)):
                chunks.append(chunk)
                left -= len(chunk)
    except TimeoutError:
        raise Invalid("body", f"did not arrive within {BODY_SECONDS:g} s") from None
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise Invalid("body", f"could not be read: {type(error).__name__}") from None
    return b"".join(chunks)


def _context(request: web.BaseRequest) -> str:
    """Where the ping came from, kept with the run that it makes."""
    return _context_of(request.method, request.remote, _agent(request.headers))


def _agent(headers: Mapping[str, str]) -> str | None:
    agent = headers.get(hdrs.USER_AGENT)
    return agent[:200] if agent and agent.isprintable() else None


@lru_cache(maxsize=1024)
def _context_of(method: str, remote: str | None, agent: str | None) -> str:
    context = {"via": "ping", "method": method}
    if remote:
        context["from"] = remote
    if agent:
        context["user_agent"] = agent
    return orjson.dumps(context).decode()
