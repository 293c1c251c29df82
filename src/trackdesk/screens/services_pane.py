"""The pane of the Overview that says how well the services are, with the last hour of their first metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.screens.measuring import Trends, leading_types
from trackdesk.screens.services import service_of
from trackdesk.widgets import glyphs
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from trackdesk.client import Client
    from trackdesk.domain.service import Service
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.view import View

MOST = 50
_COLUMNS = (
    Column("health", "", 1, priority=0),
    Column("name", "service", 12, flex=2, most=28, priority=0),
    Column("open", "open", 2, align="right", priority=3),
    Column("trend", "last hour", 26, flex=1, most=34, priority=1, quiet=True),
)


class ServicesPane(LiveTable):
    def __init__(self, desk: Desk) -> None:
        empty = Empty("No service sends metrics yet")
        super().__init__(_COLUMNS, title="Services", empty=empty, titles=False, now=desk.now, id="services")
        self._desk = desk
        self._trends = Trends()
        self._read_at = 0
        self.known = False
        """Whether there is any service."""

    async def read(self, client: Client) -> None:
        """Raises what the client raises."""
        page = await client.services.list({"sort": "health", "limit": MOST})
        self.known = bool(page.data)
        self._read_at = now = self._desk.now()
        firsts = {name: types[0] for name, types in leading_types(page.data).items() if types}
        await self._trends.read(client, firsts.items(), now)
        look = Look.of(self.app)
        self.put_rows([self._row(each, firsts.get(each.name), look) for each in page.data], total=page.meta.total)

    @property
    def due(self) -> bool:
        """Whether samples alone are reason enough to read it again."""
        return self._desk.now() - self._read_at >= Trends.EVERY

    def _row(self, each: Service, first: str | None, look: Look) -> Row:
        cells: dict[str, Cell] = {
            "health": look.mark(glyphs.health(each.health), glyph_only=True),
            "name": each.name,
            "open": Toned(f"{each.open_incidents:,}", "fail") if each.open_incidents else "",
            "trend": self._trends.of(each.name, first) if first else Toned("has sent nothing yet", "dim"),
        }
        return Row(each.name, cells, each)

    def place_of(self, service: Service) -> View:
        return service_of(self._desk, service.name)
