"""What is made of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.contract.incident_views import INCIDENT_STATS
from trackdesk.store import incident_stats

if TYPE_CHECKING:
    from trackdesk.domain.incident_stats import IncidentStats
    from trackdesk.server.call import Call, Handler


async def stats(call: Call) -> IncidentStats:
    engine = call.engine
    return await incident_stats.stats(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


HANDLERS: Final[dict[str, Handler]] = {INCIDENT_STATS.name: stats}
