"""Calls for what is made of incidents: figures, what changed before one, the story of one."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain.changes import Changes, ChangesFilter
from trackdesk.domain.identity import Permission
from trackdesk.domain.incident_stats import IncidentStats, IncidentStatsFilter

INCIDENT_STATS: Final = Endpoint[IncidentStats](
    "incidents.stats",
    (("GET", "/v1/incidents/stats"),),
    Permission.READ,
    "How many incidents there are by status, severity and age, and how long it takes to take and to close one",
    IncidentStats,
    query=IncidentStatsFilter,
)
INCIDENT_CHANGES: Final = Endpoint[Changes](
    "incidents.changes",
    (("GET", "/v1/incidents/{incident}/changes"),),
    Permission.READ,
    "What changed in the hour before: runs of the service's processes, edits of rules, processes and the service",
    Changes,
    query=ChangesFilter,
)
INCIDENT_POSTMORTEM: Final = Endpoint[None](
    "incidents.postmortem",
    (("GET", "/v1/incidents/{incident}/postmortem"),),
    Permission.READ,
    "The story of an incident as Markdown: summary, impact, chart, timeline, what changed, who did what, who was told",
    media="text/markdown",
)
