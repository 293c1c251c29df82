"""Samples over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.store import metric_charts

if TYPE_CHECKING:
    from trackdesk.domain.metric_chart import MetricChart
    from trackdesk.server.call import Call, Handler


async def chart(call: Call) -> MetricChart:
    return await metric_charts.chart(call.engine.readers, call.caller.namespace_id, call.query, call.engine.clock.now())


HANDLERS: Final[dict[str, Handler]] = {"metrics.chart": chart}
