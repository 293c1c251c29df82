"""Which screens stand behind the number keys. Each is imported when it is first gone to, after the first frame."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from trackdesk.console.sections import Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.view import View


def _make(module: str, name: str) -> Callable[[Desk], View]:
    return lambda desk: cast("View", getattr(import_module(f"trackdesk.screens.{module}"), name)(desk))


SECTIONS: tuple[Section, ...] = (
    Section("1", "overview", "Overview", _make("overview", "OverviewView")),
    Section("2", "runs", "Runs", _make("runs", "RunsView")),
    Section("3", "processes", "Processes", _make("processes", "processes_section")),
    Section("4", "incidents", "Incidents", _make("incidents", "IncidentsView")),
    Section("5", "services", "Services", _make("services", "services_section")),
    Section("6", "rules", "Rules", _make("rules", "rules_section")),
    Section("9", "inbox", "Inbox", _make("inbox", "InboxView")),
    Section("0", "admin", "Admin", _make("admin", "AdminView")),
)
