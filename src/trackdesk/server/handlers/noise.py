"""Silences and maintenance windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.engine import maintenance, silences
from trackdesk.store import noise_lists

if TYPE_CHECKING:
    from trackdesk.domain.maintenance import Maintenance
    from trackdesk.domain.page import Page
    from trackdesk.domain.silence import Preview, Silence
    from trackdesk.server.call import Call, Handler


async def list_silences(call: Call) -> Page[Silence]:
    engine = call.engine
    return await noise_lists.silence_page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def add_silence(call: Call) -> Silence:
    return await silences.add(call.engine, call.caller, call.body)


async def preview_silence(call: Call) -> Preview:
    since = max(call.engine.clock.now() - call.body.since, 0)
    return await noise_lists.preview(call.engine.readers, call.caller.namespace_id, call.body.match, since)


async def get_silence(call: Call) -> Silence:
    number, now = call.number("silence"), call.engine.clock.now()
    return await noise_lists.silence(call.engine.readers, call.caller.namespace_id, number, now)


async def patch_silence(call: Call) -> Silence:
    return await silences.patch(call.engine, call.caller, call.number("silence"), call.body, call.if_match)


async def end_silence(call: Call) -> None:
    await silences.end(call.engine, call.caller, call.number("silence"))


async def list_maintenance(call: Call) -> Page[Maintenance]:
    engine = call.engine
    return await noise_lists.maintenance_page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def add_maintenance(call: Call) -> Maintenance:
    return await maintenance.add(call.engine, call.caller, call.body)


async def get_maintenance(call: Call) -> Maintenance:
    number, now = call.number("maintenance"), call.engine.clock.now()
    return await noise_lists.one_maintenance(call.engine.readers, call.caller.namespace_id, number, now)


async def patch_maintenance(call: Call) -> Maintenance:
    return await maintenance.patch(call.engine, call.caller, call.number("maintenance"), call.body, call.if_match)


async def delete_maintenance(call: Call) -> None:
    await maintenance.delete(call.engine, call.caller, call.number("maintenance"))


HANDLERS: Final[dict[str, Handler]] = {
    "silences.list": list_silences,
    "silences.add": add_silence,
    "silences.preview": preview_silence,
    "silences.get": get_silence,
    "silences.patch": patch_silence,
    "silences.end": end_silence,
    "maintenance.list": list_maintenance,
    "maintenance.add": add_maintenance,
    "maintenance.get": get_maintenance,
    "maintenance.patch": patch_maintenance,
    "maintenance.delete": delete_maintenance,
}
