"""What is made of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from trackdesk.contract.incident_views import INCIDENT_CHANGES, INCIDENT_POSTMORTEM, INCIDENT_STATS
from trackdesk.engine import postmortem as story
from trackdesk.server.headers import BASE_HEADERS
from trackdesk.store import changes as before
from trackdesk.store import incident_lists, incident_stats

if TYPE_CHECKING:
    from trackdesk.domain.changes import Changes
    from trackdesk.domain.incident_stats import IncidentStats
    from trackdesk.server.call import Call, Handler

_HEADERS: Final = {**BASE_HEADERS, "Content-Type": "text/markdown; charset=utf-8"}


async def stats(call: Call) -> IncidentStats:
    engine = call.engine
    return await incident_stats.stats(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def changes(call: Call) -> Changes:
    readers, space = call.engine.readers, call.caller.namespace_id
    incident = await incident_lists.get(readers, space, call.number("incident"))
    return await before.changes(readers, space, incident, call.query.window)


async def postmortem(call: Call) -> web.Response:
    text = await story.write(call.engine, call.caller, call.number("incident"))
    return web.Response(body=text.encode(), headers=_HEADERS)


HANDLERS: Final[dict[str, Handler]] = {
    INCIDENT_STATS.name: stats,
    INCIDENT_CHANGES.name: changes,
    INCIDENT_POSTMORTEM.name: postmortem,
}
