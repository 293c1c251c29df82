"""Files of incidents: in as forms, out as downloads and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from trackdesk.contract.attachments import ATTACHMENT_ADD
from trackdesk.domain.attachment import MAX_FILE, disposition
from trackdesk.domain.errors import NotFound, TooLarge
from trackdesk.engine import attachments as operations
from trackdesk.server.headers import BASE_HEADERS
from trackdesk.server.lines import pieces
from trackdesk.server.multipart import Form, boundary_of
from trackdesk.store import attachments, incident_lists

if TYPE_CHECKING:
    from trackdesk.domain.attachment import Attachment
    from trackdesk.domain.page import Page
    from trackdesk.server.call import Call, Handler

_NEVER_SHOWN: Final = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}


async def list_attachments(call: Call) -> Page[Attachment]:
    space = call.caller.namespace_id
    return await attachments.page(call.engine.readers, space, call.number("incident"), call.query)


async def add(call: Call) -> Attachment:
    engine, incident = call.engine, call.number("incident")
    await incident_lists.get(engine.readers, call.caller.namespace_id, incident)
    boundary = boundary_of(call.request.headers.get(hdrs.CONTENT_TYPE))
    async with engine.depot.uploads:
        return await _receive(call, incident, boundary)


async def _receive(call: Call, incident: int, boundary: bytes) -> Attachment:
    engine = call.engine
    incoming = await asyncio.to_thread(engine.depot.begin)

    async def take(data: bytes) -> None:
        if incoming.size + len(data) > MAX_FILE:
            raise TooLarge(f"An attachment may have {MAX_FILE} bytes.")
        await asyncio.to_thread(incoming.write, data)

    try:
        name = await Form(pieces(call.request, ATTACHMENT_ADD.max_body), boundary).file(take)
        await asyncio.to_thread(incoming.end)
        return await operations.add(engine, call.caller, incident, name, incoming)
    finally:
        await asyncio.shield(asyncio.to_thread(incoming.discard))


async def get(call: Call) -> web.FileResponse:
    engine, space = call.engine, call.caller.namespace_id
    found = await attachments.get(engine.readers, space, call.number("incident"), call.number("attachment"))
    path = engine.depot.path(found.sha256)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound(f"The file of attachment {found.id} is not on the server's disk; `trackdesk doctor` says more.")
    headers = {
        **BASE_HEADERS,
        **_NEVER_SHOWN,
        hdrs.CONTENT_TYPE: "application/octet-stream",
        hdrs.CONTENT_DISPOSITION: disposition(found.name),
    }
    return web.FileResponse(path, headers=headers)


async def delete(call: Call) -> None:
    await operations.delete(call.engine, call.caller, call.number("incident"), call.number("attachment"))


HANDLERS: Final[dict[str, Handler]] = {
    "attachments.list": list_attachments,
    "attachments.add": add,
    "attachments.get": get,
    "attachments.delete": delete,
}
