"""Figures: headline counts, runs over time, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.store import analytics, tag_analytics
from trackdesk.store import summary as headline

if TYPE_CHECKING:
    from trackdesk.domain.analytics import Stats, TagStats
    from trackdesk.domain.summary import Summary
    from trackdesk.server.call import Call, Handler


async def summary(call: Call) -> Summary:
    return await headline.summary(call.engine.readers, call.caller, call.engine.clock.now())


async def runs(call: Call) -> Stats:
    return await analytics.run_stats(call.engine.readers, call.caller.namespace_id, call.query, call.engine.clock.now())


async def tags(call: Call) -> TagStats:
    return await tag_analytics.tag_stats(
        call.engine.readers, call.caller.namespace_id, call.query, call.engine.clock.now()
    )


HANDLERS: Final[dict[str, Handler]] = {"stats.summary": summary, "stats.runs": runs, "stats.tags": tags}
