"""Handlers that only say what reached them, for trying the wrapper around all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from trackdesk.contract.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trackdesk.server.call import Call, Handler


async def echo(call: Call) -> web.Response:
    """What the wrapper made of the request."""
    caller = None if call._caller is None else call.caller
    said = {
        "path": dict(call.path),
        "query": None if call.query is None else call.query.model_dump(mode="json"),
        "body": repr(call.body),
        "if_match": call.if_match,
        "once": call.once and list(call.once),
        "actor": caller and caller.actor,
        "namespace": caller and caller.namespace_id,
    }
    return web.Response(body=orjson.dumps(said), headers={"Content-Type": "application/json"})


def raising(error: Exception) -> Callable[[Call], Awaitable[Any]]:
    async def fail(_: Call) -> Any:
        raise error

    return fail


def stubs(**others: Handler) -> dict[str, Handler]:
    """Echo for every endpoint but `others`, whose names have `__` for the dot."""
    return {endpoint.name: echo for endpoint in ENDPOINTS} | {
        name.replace("__", "."): handler for name, handler in others.items()
    }
