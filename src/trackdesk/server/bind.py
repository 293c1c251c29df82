"""The one wrapper between aiohttp and a handler: everything that holds for every endpoint happens here, in order."""

from __future__ import annotations

import asyncio
import logging
import re
from hashlib import sha256
from operator import methodcaller
from time import perf_counter
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, get_args

from aiohttp import hdrs, web
from multidict import istr
from pydantic import BaseModel

from trackdesk.contract import paths
from trackdesk.domain.errors import Invalid, Unavailable
from trackdesk.domain.identity import Permission
from trackdesk.domain.model import Value
from trackdesk.domain.once import Once
from trackdesk.server import problems
from trackdesk.server.answer import Answer, head, is_plain, written
from trackdesk.server.body import reader_of
from trackdesk.server.call import Call
from trackdesk.server.door import X_NAMESPACE
from trackdesk.server.headers import BASE_HEADERS, JSON_HEADERS, REQUEST_ID, new_request_id
from trackdesk.server.limits import MAX_IN_FLIGHT
from trackdesk.server.query import QueryReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.domain.identity import Caller
    from trackdesk.server.call import Handler
    from trackdesk.server.house import House

log = logging.getLogger(__name__)

SLOW: Final = 1.0
"""Seconds after which a request is worth a line in the log."""
CLIENT_GONE: Final = 499
"""Counted, never sent: the status that nginx made known for this."""
IDEMPOTENCY_KEY: Final = istr("Idempotency-Key")
_IF_MATCH: Final = re.compile(r'(?:W/)?"([0-9]{1,18})"|([0-9]{1,18})', re.ASCII)


class Bound:
    """An endpoint that answers requests."""

    def __init__(self, endpoint: Endpoint[Any], handler: Handler, house: House) -> None:
        self.endpoint = endpoint
        self._handler = handler
        self._house = house
        self._statistics = house.statistics
        self._counts = house.statistics.of(endpoint.name)
        self._query = QueryReader(endpoint.query)
        self._body = reader_of(endpoint)
        self._open = endpoint.permission is Permission.OPEN
        self._to_json = _to_json(endpoint)
        self._head = head(endpoint.status, "application/json")
        self._versioned = _has_version(endpoint.reply)
        self._streams = endpoint.media == "text/event-stream"

    async def handle(self, request: web.BaseRequest, path: Mapping[str, str]) -> web.StreamResponse:
        """Never raises for what a caller can do wrong."""
        started = perf_counter()
        request_id = new_request_id()
        statistics = self._statistics
        statistics.in_flight += not self._streams
        response: web.StreamResponse
        try:
            response = await self._answer(request, path, request_id)
        except asyncio.CancelledError:
            raise
        except ConnectionError as error:
            response = _gone(request, error)
        except Exception as error:
            response = problems.answer(problems.as_error(error, request_id, self.endpoint.name), request_id)
            if request.content.exception() is not None:  # where the next request would begin is not known
                response.force_close()
        finally:
            statistics.in_flight -= not self._streams
        took = perf_counter() - started
        self._counts.count(response.status, took)
        if took > SLOW and not self._streams:
            log.warning("request %s, %s: %d after %.1f s", request_id, self.endpoint.name, response.status, took)
        return response

    async def _answer(self, request: web.BaseRequest, path: Mapping[str, str], request_id: str) -> web.StreamResponse:
        if self._statistics.in_flight > MAX_IN_FLIGHT:
            raise Unavailable(f"{MAX_IN_FLIGHT} requests are in hand already.")
        headers = request.headers
        caller = None
        if not self._open:
            caller = self._house.door.enter(headers, self.endpoint.permission)
            namespace = headers.get(X_NAMESPACE)
            if namespace is not None:
                caller = await self._house.door.in_namespace(caller, namespace)
        call = Call(self._house, request, request_id, caller, _checked(path))
        call.query = self._query.read(request.rel_url.raw_query_string)
        raw = await self._body.read(request)
        if self.endpoint.if_match:
            call.if_match = _version(headers.get(hdrs.IF_MATCH))
        if self.endpoint.idempotent and caller is not None:
            call.once = _once(headers.get(IDEMPOTENCY_KEY), caller, request, raw)
        call.body = self._body.parse(raw)
        return self._reply(await self._handler(call), request, request_id)

    def _reply(self, value: Any, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        response: web.StreamResponse
        if self._to_json is None or isinstance(value, web.StreamResponse):
            response = value if value is not None else web.Response(status=self.endpoint.status, headers=BASE_HEADERS)
        elif is_plain(request):
            lines = f"{REQUEST_ID}: {request_id}\r\n"
            if self._versioned:
                lines += f'{hdrs.ETAG}: "{value.version}"\r\n'
            return Answer(self.endpoint.status, written(self._head, lines, self._to_json(value)))
        else:
            response = web.Response(body=self._to_json(value), status=self.endpoint.status, headers=JSON_HEADERS)
            if self._versioned:
                response.headers[hdrs.ETAG] = f'"{value.version}"'
        if not response.prepared:
            response.headers[REQUEST_ID] = request_id
        return response


def _to_json(endpoint: Endpoint[Any]) -> Callable[[Any], bytes] | None:
    """A model that is answered often has a way of its own, which is quicker."""
    reply = endpoint.reply
    if reply is None:
        return None
    if isinstance(reply, UnionType) and all(issubclass(each, Value) for each in get_args(reply)):
        return methodcaller("to_json")
    if isinstance(reply, type) and issubclass(reply, Value):
        return reply.to_json
    return endpoint.reply_adapter().serializer.to_json


def _gone(request: web.BaseRequest, error: ConnectionError) -> web.Response:
    """What stands for the answer when there is nobody to take it. Raising instead would have aiohttp log an error with
    its traceback for every console that is closed."""
    log.debug("the caller of %s has gone: %s", request.path, error)
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=CLIENT_GONE)


def _checked(values: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in values.items():
        paths.check(name, value)
    return values


def _version(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    match = _IF_MATCH.fullmatch(if_match.strip())
    if match is None:
        raise Invalid("If-Match", 'expected a version such as "3"', if_match)
    return int(match[1] or match[2])


def _once(key: str | None, caller: Caller, request: web.BaseRequest, raw: bytes) -> Once | None:
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid("Idempotency-Key", "expected 1 to 200 printable characters", key)
    digest = sha256(f"{request.method} {request.rel_url.raw_path_qs}\n".encode() + raw)
    return Once(caller.sender, key, digest.hexdigest())


def _has_version(reply: Any) -> bool:
    if not (isinstance(reply, type) and issubclass(reply, BaseModel)):
        return False
    field = reply.model_fields.get("version")
    return field is not None and field.annotation is int
