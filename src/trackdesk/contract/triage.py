"""Calls about incidents and their comments."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import filters, incident
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

INCIDENT_LIST: Final = Endpoint[Page[incident.Incident]](
    "incidents.list",
    (("GET", "/v1/incidents"),),
    Permission.READ,
    "List incidents",
    Page[incident.Incident],
    query=filters.IncidentFilter,
)
INCIDENT_REPORT: Final = Endpoint[incident.Incident](
    "incidents.report",
    (("POST", "/v1/incidents"),),
    Permission.REPORT,
    "Report an incident",
    incident.Incident,
    status=201,
    body=incident.NewIncident,
    idempotent=True,
)
INCIDENT_GET: Final = Endpoint[incident.Incident](
    "incidents.get", (("GET", "/v1/incidents/{incident}"),), Permission.READ, "One incident", incident.Incident
)
INCIDENT_PATCH: Final = Endpoint[incident.Incident](
    "incidents.patch",
    (("PATCH", "/v1/incidents/{incident}"),),
    Permission.OPERATE,
    "Take, start, hand back, close or reopen an incident, or change its severity, assignee, department and texts",
    incident.Incident,
    body=incident.ChangeIncident,
    if_match=True,
    errors=(409,),
)
INCIDENT_DELETE: Final = Endpoint[None](
    "incidents.delete",
    (("DELETE", "/v1/incidents/{incident}"),),
    Permission.ADMIN,
    "Delete an incident with its comments; its journal stays",
    status=204,
)
INCIDENT_BULK: Final = Endpoint[incident.BulkResults](
    "incidents.bulk",
    (("POST", "/v1/incidents/bulk"),),
    Permission.OPERATE,
    "Change many incidents at once, with a result for each",
    incident.BulkResults,
    body=incident.BulkIncidents,
    errors=(409,),
)
INCIDENT_TIMELINE: Final = Endpoint[Page[incident.JournalEntry]](
    "incidents.timeline",
    (("GET", "/v1/incidents/{incident}/timeline"),),
    Permission.READ,
    "What happened to an incident, oldest first",
    Page[incident.JournalEntry],
    query=filters.Listing,
)
INCIDENT_ROUTING: Final = Endpoint[incident.Routing](
    "incidents.routing",
    (("GET", "/v1/incidents/{incident}/routing"),),
    Permission.READ,
    "Why who was told, or not",
    incident.Routing,
)
COMMENT_LIST: Final = Endpoint[Page[incident.Comment]](
    "comments.list",
    (("GET", "/v1/incidents/{incident}/comments"),),
    Permission.READ,
    "The comments on an incident, oldest first",
    Page[incident.Comment],
    query=filters.Listing,
)
COMMENT_ADD: Final = Endpoint[incident.Comment](
    "comments.add",
    (("POST", "/v1/incidents/{incident}/comments"),),
    Permission.REPORT,
    "Comment on an incident, whatever its status",
    incident.Comment,
    status=201,
    body=incident.NewComment,
    idempotent=True,
)
COMMENT_DELETE: Final = Endpoint[None](
    "comments.delete",
    (("DELETE", "/v1/incidents/{incident}/comments/{comment}"),),
    Permission.OPERATE,
    "Delete a comment",
    status=204,
)
