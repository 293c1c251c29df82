"""Which screens stand behind the number keys, and inside the sections. Each is imported when it is first gone to, after
the first frame."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trackdesk.console.sections import Inner, Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.view import View


def _make(module: str, name: str, *given: Any) -> Callable[[Desk], View]:
    def make(desk: Desk) -> View:
        view: View = getattr(import_module(f"trackdesk.screens.{module}"), name)(desk, *given)
        return view

    return make


def _tabbed(key: str, first: Inner, *others: Inner) -> Section:
    """A section of tabs, called as the first of them."""
    tabs = [(each.name, each.title, each.make) for each in (first, *others)]
    return Section(key, first.name, first.title, _make("sections", "TabbedViews", tabs), first.filters, others)


_ADMIN = (
    Inner("channels", "Channels", _make("admin_channels", "ChannelsView"), filters=False),
    Inner("deliveries", "Deliveries", _make("deliveries", "DeliveriesView"), filters=False),
    Inner("departments", "Departments", _make("admin_departments", "DepartmentsView"), filters=False),
    Inner("keys", "Keys", _make("admin_keys", "KeysView"), filters=False),
)

SECTIONS: tuple[Section, ...] = (
    Section("1", "overview", "Overview", _make("overview", "OverviewView"), filters=False),
    Section("2", "runs", "Runs", _make("runs", "RunsView")),
    _tabbed(
        "3",
        Inner("processes", "Processes", _make("processes", "ProcessesView")),
        Inner("tags", "Tags", _make("tags", "TagsView")),
        Inner("analytics", "Analytics", _make("analytics", "AnalyticsView"), filters=False),
    ),
    Section("4", "incidents", "Incidents", _make("incidents", "IncidentsView")),
    _tabbed(
        "5",
        Inner("services", "Services", _make("services", "ServicesView")),
        Inner("grid", "Grid", _make("services", "ServiceGridView"), filters=False),
    ),
    _tabbed(
        "6",
        Inner("rules", "Rules", _make("rules", "RulesView")),
        Inner("top-triggered", "Top triggered", _make("rules", "TopTriggeredView"), filters=False),
        Inner("silences", "Silences", _make("silences", "SilencesView")),
        Inner("maintenance", "Maintenance", _make("maintenance", "MaintenanceView")),
    ),
    Section("9", "inbox", "Inbox", _make("inbox", "InboxView")),
    Section(
        "0",
        "admin",
        "Admin",
        _make("admin", "AdminView", {each.name: each.make for each in _ADMIN}),
        filters=False,
        inner=_ADMIN,
    ),
)
