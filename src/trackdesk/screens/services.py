"""The services under watch: as a list, and as a grid of tiles, each with how it went in the last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.measuring import Trends, leading_types
from trackdesk.screens.muting import mute
from trackdesk.screens.place import Place
from trackdesk.screens.service_deeds import edit_service, make_service
from trackdesk.widgets import glyphs
from trackdesk.widgets.background import begin
from trackdesk.widgets.cells import ago
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.health_grid import HealthGrid, Tile
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from trackdesk.domain.page import Page
    from trackdesk.domain.service import Service
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.view import Changed, View

EMPTY = Empty(
    "No service sends metrics yet: its first sample makes it",
    "trackdesk metric push checkout LATENCY_MS 120",
)
NEEDS = {**dict.fromkeys(("new", "edit", "mute"), "operate")}
METRICS = ("metric", "metric2", "metric3", "metric4")
"""Columns of the list for the metrics of each service, as far as there is room."""
GRID = 500
"""Tiles at most; the list has all."""
_SETTLED = 0.15
"""Seconds without scrolling until the metrics of what is in sight are read."""


def service_of(desk: Desk, service: str) -> View:
    """One service."""
    from trackdesk.screens.service import ServiceView  # noqa: PLC0415 - each screen is loaded when it is gone to

    return ServiceView(desk, service)


class ServicesView(ListPlace["Service"]):
    CONTEXTS = ("service", "list")
    TOPICS = frozenset({"services", "metrics", "incidents"})
    PAUSE = 2.0
    TITLE = "Services"
    HINT = "health:down  department:web  metric_type:LATENCY_MS  sample:>1h  or words"
    EMPTY = EMPTY
    NEEDS: ClassVar[Mapping[str, str]] = NEEDS
    SORTS: ClassVar[Mapping[str, str]] = {"health": "health", "name": "name"}
    SORT = ("health", False)
    COLUMNS = (
        Column("health", "health", 10, priority=0, sortable=True),
        Column("name", "service", 16, flex=1, most=40, priority=0, sortable=True),
        Column("open", "open", 5, align="right", priority=2),
        Column("last", "sample", 8, align="right", priority=2, quiet=True),
        *(
            Column(key, "its last hour" if at == 0 else "", 25, flex=1, most=34, priority=1 + 2 * at, quiet=True)
            for at, key in enumerate(METRICS)
        ),
        Column("types", "metrics", 7, align="right", priority=4),
        Column("department", "for", 8, flex=1, most=16, priority=6),
    )

    def __init__(self, desk: Desk, query: Mapping[str, Any] | None = None) -> None:
        super().__init__(desk, query)
        self.trends = Trends()
        self._types: dict[str, list[str]] = {}
        self._settling: Timer | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.table, "scroll_y", self._sighted, init=False)

    async def fetch(self, query: dict[str, Any]) -> Page[Service]:
        return await self.client.services.list(query)

    async def fetch_one(self, ref: str) -> Service:
        return await self.client.services.get(ref)

    def row(self, item: Service) -> Row:
        types = self._types.get(item.name) or item.metric_types
        cells = _cells(item)
        cells["metric"] = Toned("has sent nothing yet", "dim")
        for key, name in zip(METRICS, types, strict=False):
            cells[key] = self.trends.of(item.name, name)
        return Row(item.name, cells, item)

    def loaded(self) -> None:
        begin(self, self._read_trends, group="trends", exclusive=True)

    def on_resize(self) -> None:
        self._sighted()

    def _sighted(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(_SETTLED, self.loaded)

    async def _read_trends(self) -> None:
        """The sparklines come after the rows, for nobody should wait for them, and only of the rows in sight."""
        from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

        items: list[Any] = [row.data for row in self.table.rows.loaded]
        self._types = leading_types(items)
        many = sum(map(self.table.shows, METRICS))
        seen: list[Any] = [row.data for row in self.table.in_sight]
        wanted = [(each.name, name) for each in seen for name in self._types[each.name][:many]]
        try:
            await self.trends.read(self.client, wanted, self.desk.now())
        except TrackdeskError as error:
            self.post_message(self.Say(f"How they went could not be read: {error.detail}", "late"))
            return
        for item in seen:
            self.table.update_row(self.row(item))

    def place_of(self, item: Service) -> View:
        return service_of(self.desk, item.name)

    def curl_of(self, items: Sequence[Service]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/services/{each.name}") for each in items)

    def why_not(self, action: str) -> str | None:
        if action in ("edit", "mute") and self.table.selected is None:
            return "the list is empty"
        return super().why_not(action)

    async def do_new(self) -> None:
        if await make_service(self):
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        if self.selected is not None and await edit_service(self, self.selected.name):
            self.reload(at_once=True)

    async def do_mute(self) -> None:
        if self.selected is not None:
            await mute(self, {"service": [each.name for each in self.targets]})


class ServiceGridView(Place):
    CONTEXTS = ("service", "grid")
    TOPICS = frozenset({"services", "metrics", "incidents"})
    PAUSE = 2.0
    NEEDS: ClassVar[Mapping[str, str]] = NEEDS

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.trends = Trends()
        self.grid = HealthGrid("Services, the worst first", empty=EMPTY, now=desk.now)
        self._services: dict[str, Service] = {}
        self._total: int | None = None

    @property
    def heading(self) -> str:
        return "Grid"

    def compose(self) -> ComposeResult:
        yield self.grid

    def take_focus(self) -> None:
        self.focus_on(self.grid)

    async def load(self) -> None:
        page = await self.client.services.list({"sort": "health", "limit": GRID})
        self._services = {each.name: each for each in page.data}
        self._total = page.meta.total
        self._put()
        await self._read(self.grid.in_sight)
        self._put()

    async def _read(self, names: Sequence[str]) -> None:
        seen = [self._services[name] for name in names if name in self._services]
        wanted = [(each.name, name) for each in seen for name in each.metric_types[:2]]
        await self.trends.read(self.client, wanted, self.desk.now())

    def _put(self) -> None:
        total = self._total
        more = [Toned(f"of {total:,}", "dim")] if total is not None and total > len(self._services) else []
        self.grid.put_tiles([self._tile(each) for each in self._services.values()], notes=more)

    def _tile(self, each: Service) -> Tile:
        trends = [self.trends.of(each.name, name) for name in each.metric_types[:2]]
        note = Toned(f"{each.open_incidents} open" if each.open_incidents else "", "fail")
        return Tile(each.name, glyphs.health(each.health), each.name, note, trends, each)

    def on_health_grid_sighted(self, message: HealthGrid.Sighted) -> None:
        message.stop()
        self.reload()

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        self.post_message(self.Open(service_of(self.desk, event.row.key)))

    def why_not(self, action: str) -> str | None:
        if action in ("mute", "edit") and self.grid.selected is None:
            return "there is no service yet"
        return super().why_not(action)

    def do_left(self) -> None:
        self.grid.action_beside(-1, 0)

    def do_right(self) -> None:
        self.grid.action_beside(1, 0)

    async def do_mute(self) -> None:
        if self.grid.selected is not None:
            await mute(self, {"service": self.grid.selected.name})

    async def do_new(self) -> None:
        if await make_service(self):
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        if self.grid.selected is not None and await edit_service(self, self.grid.selected.key):
            self.reload(at_once=True)

    def changed(self, change: Changed) -> None:
        del change
        self.reload()


def _cells(item: Service) -> dict[str, Cell]:
    return {
        "health": glyphs.health(item.health),
        "name": item.name,
        "open": Toned(f"{item.open_incidents:,}", "fail") if item.open_incidents else "",
        "last": ago(item.last_sample_at) if item.last_sample_at is not None else Toned("never", "dim"),
        "types": f"{len(item.metric_types):,}" if item.metric_types else "",
        "department": Toned(item.department or "", "dim"),
    }
