"""Calls for what is made of incidents: figures, what changed before one, the story of one."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
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
