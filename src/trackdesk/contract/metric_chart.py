"""The call that draws samples over time."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import metric_chart
from trackdesk.domain.identity import Permission

METRIC_CHART: Final = Endpoint[metric_chart.MetricChart](
    "metrics.chart",
    (("GET", "/v1/metrics/chart"),),
    Permission.READ,
    "Samples of one type over time, in buckets, put together or by service",
    metric_chart.MetricChart,
    query=metric_chart.ChartFilter,
)
