"""Calls of other tools that have found something."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import MEBIBYTE, Endpoint
from trackdesk.domain.alert import AlertmanagerMessage, AlertsTaken
from trackdesk.domain.identity import Permission

ALERTMANAGER: Final = Endpoint[AlertsTaken](
    "alerts.alertmanager",
    (("POST", "/v1/alerts/alertmanager"),),
    Permission.INGEST,
    "Take what the webhook of Prometheus Alertmanager sends: alerts open, repeat and close incidents",
    AlertsTaken,
    body=AlertmanagerMessage,
    body_of_many=True,
    max_body=8 * MEBIBYTE,
)
