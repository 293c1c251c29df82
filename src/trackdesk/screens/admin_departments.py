"""Departments: the teams that own processes and are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.listing import ListPlace
from trackdesk.widgets.cells import ago
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackdesk.domain.notification import Department
    from trackdesk.domain.page import Page
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.forms import Errors, Values

ALWAYS_THERE = "default"


class DepartmentsView(ListPlace["Department"]):
    CONTEXTS = ("department", "list")
    TOPICS = frozenset({"departments"})
    TITLE = "Departments"
    FILTERED = False
    EMPTY = Empty("No department yet", "n  makes one")
    COLUMNS = (
        Column("id", "id", 14, flex=1, most=30, priority=0),
        Column("name", "name", 16, flex=1, most=40, priority=0),
        Column("description", "description", 20, flex=3, priority=1),
        Column("created", "made", 8, align="right", priority=2),
    )
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("new", "edit", "delete"), "operate")

    async def fetch(self, query: dict[str, Any]) -> Page[Department]:
        return await self.client.departments.list(query)

    async def fetch_one(self, ref: str) -> Department:
        return await self.client.departments.get(ref)

    def row(self, item: Department) -> Row:
        cells: dict[str, Cell] = {
            "id": item.id,
            "name": item.name,
            "description": Toned(item.description or "", "dim"),
            # The default one came with the database, and has no time.
            "created": ago(item.created_at) if item.created_at else Toned("always", "dim"),
        }
        return Row(item.id, cells, item)

    def why_not(self, action: str) -> str | None:
        if action == "edit" and len(self.targets) > 1:
            return "one at a time; esc clears the marks"
        if action == "delete" and all(each.id == ALWAYS_THERE for each in self.targets):
            return "default gets what nothing else routes; it always exists"
        return super().why_not(action)

    async def do_new(self) -> None:
        async def save(values: Values) -> Errors:
            body = {name: value for name, value in values.items() if value}
            return await self.submit(self.client.departments.add(body))

        fields = [
            Field("id", "id", hint="ops", required=True),
            Field("name", "name", hint="Operations", required=True),
            Field("description", "description"),
        ]
        if await self.ask(FormDialog("Make a department", fields, submit=save)) is not None:
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        one = self.targets[0]

        async def save(values: Values) -> Errors:
            body = {"name": values["name"], "description": values["description"] or None}
            return await self.submit(self.client.departments.patch(one.id, body))

        fields = [
            Field("name", "name", one.name, required=True),
            Field("description", "description", one.description or ""),
        ]
        if await self.ask(FormDialog(f"Change department {one.id}", fields, submit=save)) is not None:
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        targets = [each for each in self.targets if each.id != ALWAYS_THERE]
        names = ", ".join(each.id for each in targets)
        if await self.ask(ConfirmDialog(f"Delete {names}?", "What belongs to one must be given to another before.")):
            for each in targets:
                await self.attempt(self.client.departments.delete(each.id), f"{each.id} deleted")
            self.table.clear_marks()
            self.reload(at_once=True)
