"""The table of handlers, by the name of the endpoint. Each only hands a call on to the engine or the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.server.handlers import (
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
    rules,
    telling,
    triage,
    work,
)

if TYPE_CHECKING:
    from trackdesk.server.call import Handler

HANDLERS: Final[dict[str, Handler]] = {
    **work.HANDLERS,
    **expectations.HANDLERS,
    **ingest.HANDLERS,
    **metrics.HANDLERS,
    **metric_chart.HANDLERS,
    **triage.HANDLERS,
    **incident_views.HANDLERS,
    **attachments.HANDLERS,
    **alerts.HANDLERS,
    **rules.HANDLERS,
    **telling.HANDLERS,
    **noise.HANDLERS,
    **analytics.HANDLERS,
    **configuration.HANDLERS,
    **cleanup.HANDLERS,
    **operations.HANDLERS,
}
