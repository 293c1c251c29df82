"""From a thing to what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.screens.processes import process_of
from trackdesk.screens.rules import rule_of
from trackdesk.screens.run import RunView
from trackdesk.screens.services import service_of

if TYPE_CHECKING:
    from trackdesk.domain.incident import Incident
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.view import View


def about_incident(desk: Desk, incident: Incident) -> View | None:
    """Its run, else its process, its service, its rule."""
    if incident.run is not None:
        return RunView(desk, incident.run)
    if incident.process is not None:
        return process_of(desk, incident.process)
    if incident.service is not None:
        return service_of(desk, incident.service)
    return None if incident.rule is None else rule_of(desk, incident.rule)
