"""Calls about silences and maintenance windows."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import maintenance, silence
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

SILENCE_LIST: Final = Endpoint[Page[silence.Silence]](
    "silences.list",
    (("GET", "/v1/silences"),),
    Permission.READ,
    "List silences, newest first, also those that have ended",
    Page[silence.Silence],
    query=silence.SilenceFilter,
)
SILENCE_ADD: Final = Endpoint[silence.Silence](
    "silences.add",
    (("POST", "/v1/silences"),),
    Permission.OPERATE,
    "Tell nobody about what matches, for a time and a reason",
    silence.Silence,
    status=201,
    body=silence.NewSilence,
    errors=(409,),
)
SILENCE_PREVIEW: Final = Endpoint[silence.Preview](
    "silences.preview",
    (("POST", "/v1/silences/preview"),),
    Permission.READ,
    "Which incidents of the last week it would have muted; changes nothing",
    silence.Preview,
    body=silence.PreviewSilence,
)
SILENCE_GET: Final = Endpoint[silence.Silence](
    "silences.get", (("GET", "/v1/silences/{silence}"),), Permission.READ, "One silence", silence.Silence
)
SILENCE_PATCH: Final = Endpoint[silence.Silence](
    "silences.patch",
    (("PATCH", "/v1/silences/{silence}"),),
    Permission.OPERATE,
    "Change the end or the reason of a silence, or anything until it has begun",
    silence.Silence,
    body=silence.ChangeSilence,
    if_match=True,
    errors=(409,),
)
SILENCE_END: Final = Endpoint[None](
    "silences.end",
    (("DELETE", "/v1/silences/{silence}"),),
    Permission.OPERATE,
    "End a silence now; it stays in the list. One that has not begun is deleted",
    status=204,
)

MAINTENANCE_LIST: Final = Endpoint[Page[maintenance.Maintenance]](
    "maintenance.list",
    (("GET", "/v1/maintenance"),),
    Permission.READ,
    "List maintenance with its next windows",
    Page[maintenance.Maintenance],
    query=maintenance.MaintenanceFilter,
)
MAINTENANCE_ADD: Final = Endpoint[maintenance.Maintenance](
    "maintenance.add",
    (("POST", "/v1/maintenance"),),
    Permission.OPERATE,
    "Expect maintenance of a service or a department, once or by a schedule: nobody is told about it meanwhile",
    maintenance.Maintenance,
    status=201,
    body=maintenance.NewMaintenance,
    errors=(409,),
)
MAINTENANCE_GET: Final = Endpoint[maintenance.Maintenance](
    "maintenance.get",
    (("GET", "/v1/maintenance/{maintenance}"),),
    Permission.READ,
    "One maintenance",
    maintenance.Maintenance,
)
MAINTENANCE_PATCH: Final = Endpoint[maintenance.Maintenance](
    "maintenance.patch",
    (("PATCH", "/v1/maintenance/{maintenance}"),),
    Permission.OPERATE,
    "Change a maintenance",
    maintenance.Maintenance,
    body=maintenance.ChangeMaintenance,
    if_match=True,
    errors=(409,),
)
MAINTENANCE_DELETE: Final = Endpoint[None](
    "maintenance.delete",
    (("DELETE", "/v1/maintenance/{maintenance}"),),
    Permission.OPERATE,
    "Delete a maintenance; a window that is on ends now",
    status=204,
)
