"""Keys, the journal, and trackdesk itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from trackdesk.domain.identity import ALLOWED, Permission, Readiness, Whoami
from trackdesk.engine import keys
from trackdesk.server import docs, prometheus, stream
from trackdesk.server.headers import BASE_HEADERS, JSON_HEADERS
from trackdesk.store import admin_lists, journal_lists
from trackdesk.store.sizes import sizes

if TYPE_CHECKING:
    from trackdesk.domain.identity import Key, MadeKey
    from trackdesk.domain.incident import JournalEntry
    from trackdesk.domain.page import Page
    from trackdesk.server.call import Call, Handler


async def list_keys(call: Call) -> Page[Key]:
    return await admin_lists.keys(call.engine.readers, call.caller.namespace_id, call.query)


async def add_key(call: Call) -> MadeKey:
    return await keys.add(call.engine, call.caller, call.body)


async def patch_key(call: Call) -> Key:
    return await keys.patch(call.engine, call.caller, call.number("key"), call.body)


async def delete_key(call: Call) -> None:
    await keys.delete(call.engine, call.caller, call.number("key"))


async def whoami(call: Call) -> Whoami:
    caller = call.caller
    return Whoami(
        namespace=caller.namespace,
        name=caller.key_name,
        role=caller.role,
        owner=caller.owner,
        departments=list(caller.departments),
        permissions=[permission for permission in Permission if permission in ALLOWED[caller.role]],
        version=call.house.version,
    )


async def journal(call: Call) -> Page[JournalEntry]:
    return await journal_lists.page(call.engine.readers, call.caller.namespace_id, call.query)


async def healthz(_: Call) -> dict[str, str]:
    return {"status": "ok"}


async def readyz(call: Call) -> web.Response:
    """503 when a worker is not well, with the same body."""
    workers = call.house.workers()
    state = Readiness(ready=all(worker.ok for worker in workers), workers=workers)
    return web.Response(body=state.model_dump_json().encode(), status=200 if state.ready else 503, headers=JSON_HEADERS)


async def metrics(call: Call) -> web.Response:
    headers = {**BASE_HEADERS, "Content-Type": prometheus.CONTENT_TYPE}
    engine = call.engine
    stored = await sizes(engine.readers, engine.path)
    return web.Response(body=prometheus.exposition(call.house, stored).encode(), headers=headers)


async def openapi(call: Call) -> web.Response:
    return web.Response(body=call.house.openapi, headers=JSON_HEADERS)


async def page(_: Call) -> web.Response:
    return web.Response(body=docs.page(), headers=docs.headers())


HANDLERS: Final[dict[str, Handler]] = {
    "keys.list": list_keys,
    "keys.add": add_key,
    "keys.patch": patch_key,
    "keys.delete": delete_key,
    "keys.whoami": whoami,
    "journal.list": journal,
    "live.stream": stream.stream,
    "operations.healthz": healthz,
    "operations.readyz": readyz,
    "operations.metrics": metrics,
    "operations.openapi": openapi,
    "operations.docs": page,
}
