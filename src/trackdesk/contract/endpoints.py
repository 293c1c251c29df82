"""The one table of endpoints."""

from __future__ import annotations

from typing import Any, Final

from trackdesk.contract import (
    alerts,
    analytics,
    attachments,
    cleanup,
    configuration,
    expectations,
    incident_views,
    ingest,
    metric_chart,
    metrics,
    noise,
    operations,
    ping,
    rules,
    telling,
    triage,
    work,
)
from trackdesk.contract.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = tuple(
    value
    for module in (
        work,
        ping,
        expectations,
        ingest,
        metrics,
        metric_chart,
        triage,
        incident_views,
        attachments,
        alerts,
        rules,
        telling,
        noise,
        analytics,
        configuration,
        cleanup,
        operations,
    )
    for value in vars(module).values()
    if isinstance(value, Endpoint)
)
BY_NAME: Final = {endpoint.name: endpoint for endpoint in ENDPOINTS}
