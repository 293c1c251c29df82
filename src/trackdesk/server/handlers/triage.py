"""Incidents and their comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.engine import incidents
from trackdesk.store import incident_lists

if TYPE_CHECKING:
    from trackdesk.domain.incident import BulkResults, Comment, Incident, JournalEntry, Routing
    from trackdesk.domain.page import Page
    from trackdesk.server.call import Call, Handler


async def list_incidents(call: Call) -> Page[Incident]:
    engine = call.engine
    return await incident_lists.page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def report(call: Call) -> Incident:
    return await incidents.report(call.engine, call.caller, call.body, call.once)


async def get(call: Call) -> Incident:
    return await incident_lists.get(call.engine.readers, call.caller.namespace_id, call.number("incident"))


async def patch(call: Call) -> Incident:
    return await incidents.patch(call.engine, call.caller, call.number("incident"), call.body, call.if_match)


async def delete(call: Call) -> None:
    await incidents.delete(call.engine, call.caller, call.number("incident"))


async def bulk(call: Call) -> BulkResults:
    return await incidents.bulk(call.engine, call.caller, call.body)


async def timeline(call: Call) -> Page[JournalEntry]:
    number = call.number("incident")
    return await incident_lists.timeline(call.engine.readers, call.caller.namespace_id, number, call.query)


async def routing(call: Call) -> Routing:
    return await incident_lists.routing(call.engine.readers, call.caller.namespace_id, call.number("incident"))


async def comments(call: Call) -> Page[Comment]:
    number = call.number("incident")
    return await incident_lists.comments(call.engine.readers, call.caller.namespace_id, number, call.query)


async def comment(call: Call) -> Comment:
    return await incidents.comment(call.engine, call.caller, call.number("incident"), call.body, call.once)


async def delete_comment(call: Call) -> None:
    await incidents.delete_comment(call.engine, call.caller, call.number("incident"), call.number("comment"))


HANDLERS: Final[dict[str, Handler]] = {
    "incidents.list": list_incidents,
    "incidents.report": report,
    "incidents.get": get,
    "incidents.patch": patch,
    "incidents.delete": delete,
    "incidents.bulk": bulk,
    "incidents.timeline": timeline,
    "incidents.routing": routing,
    "comments.list": comments,
    "comments.add": comment,
    "comments.delete": delete_comment,
}
