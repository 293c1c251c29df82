"""One notification: what it says, over which channels it went, and every attempt to send it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.changes import by_this_clock
from trackdesk.screens.curl import curl
from trackdesk.screens.deliveries import COLUMNS, Retrying, attempt_entries, delivery_row
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.cells import ago
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.facts import Facts
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.notification import Delivery, Notification
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.table_messages import RowSelected
    from trackdesk.widgets.view import Changed, View


class NotificationView(Retrying):
    CONTEXTS = ("delivery", "inbox", "list")
    TOPICS = frozenset({"notifications", "deliveries"})
    NEEDS: ClassVar[Mapping[str, str]] = {"read": "report", "retry": "operate"}
    DEFAULT_CSS = """
    NotificationView LiveTable { height: 1fr; min-height: 5; }
    NotificationView Timeline { height: 1fr; }
    """

    def __init__(
        self, desk: Desk, number: int, *, marked: Callable[[Notification], None] = lambda _notification: None
    ) -> None:
        """`marked` is told when it was marked as read or unread here."""
        super().__init__(desk)
        self.number = number
        self._marked = marked
        self.notification: Notification | None = None
        self._facts = Facts(now=desk.now, text_lines=12)
        nobody = Empty("No channel was told of it", "the incident's `who was told` says why")
        self._table = LiveTable(COLUMNS, title="Told outside", empty=nobody, now=desk.now)
        self._attempts = Timeline(title="Attempts", empty="Nothing was sent yet", now=desk.now)

    @property
    def heading(self) -> str:
        one = self.notification
        return f"#{self.number}" if one is None else f"{one.kind.replace('_', ' ')} #{self.number}"

    @property
    def status(self) -> Sequence[Toned]:
        one = self.notification
        if one is None or self.failure is not None:
            return super().status
        return (Toned("unread", "run") if one.read_at is None else Toned("read", "dim"),)

    def compose(self) -> ComposeResult:
        yield self._facts
        yield self._table
        yield self._attempts

    def tick(self) -> None:
        super().tick()
        self._facts.tick()

    async def load(self) -> None:
        self._table.show_loading()
        first = self.notification is None
        one = await self.client.notifications.get(self.number)
        if first and one.read_at is None and self.desk.refusal("report") is None:
            # Who opens it has read it.
            one = (await self.client.notifications.read(self.number)).model_copy(update={"deliveries": one.deliveries})
            self._marked(one)
        self._show(one)

    def _show(self, one: Notification) -> None:
        self.notification = one
        facts = [
            ("", None if one.severity is None else glyphs.severity(one.severity)),
            ("told", ago(one.created_at)),
            ("at", when.absolute(one.created_at)),
            ("to department", one.department),
            ("incident", None if one.incident is None else f"INC-{one.incident}"),
            ("run", one.run),
        ]
        self._facts.put(one.title, facts, by_this_clock(one.body))
        self._table.put_rows([delivery_row(each) for each in one.deliveries])
        self._show_attempts()
        self.post_message(self.Retitled())

    def on_row_selected(self, _message: RowSelected) -> None:
        self._show_attempts()

    def _show_attempts(self) -> None:
        row = self._table.selected
        delivery: Any = None if row is None else row.data
        self._attempts.put_entries([] if delivery is None else attempt_entries(delivery))

    def changed(self, change: Changed) -> None:
        held = {str(each.id) for each in self.notification.deliveries} if self.notification is not None else set()
        if change.resync or change.topic == "notifications" or held & change.refs:
            self.reload()

    # -- hands -----------------------------------------------------------------------------------------------------

    def deliveries(self) -> list[Delivery]:
        return [row.data for row in self._table.targets]  # type: ignore[misc]

    def why_not(self, action: str) -> str | None:
        one = self.notification
        if one is None and action in ("read", "about", "copy", "copy_as"):
            return "it is being read"
        if action == "about" and one is not None and not (one.incident or one.run):
            return "it is about neither incident nor run"
        return super().why_not(action)

    async def do_read(self) -> None:
        one = self.notification
        if one is None:
            return
        calls = self.client.notifications
        after = await self.attempt(
            calls.read(one.id) if one.read_at is None else calls.unread(one.id),
            f"Marked as {'read' if one.read_at is None else 'unread'}",
        )
        if after is not None:
            after = after.model_copy(update={"deliveries": one.deliveries})
            self._show(after)
            self._marked(after)

    def do_about(self) -> None:
        if self.notification is not None and (view := about(self.desk, self.notification)) is not None:
            self.post_message(self.Open(view))

    def do_copy(self) -> None:
        chosen = self.deliveries()
        self.copy(chosen[0].uid if chosen else str(self.number), "the delivery's id" if chosen else "its id")

    async def do_copy_as(self) -> None:
        if self.notification is not None:
            await self.copy_as([self.notification], curl(self.client, "GET", f"/v1/notifications/{self.number}"))


def about(desk: Desk, one: Notification) -> View | None:
    """What a notification is about: its incident, else its run."""
    from trackdesk.screens.incident import IncidentView  # noqa: PLC0415 - an incident leads to much else
    from trackdesk.screens.run import RunView  # noqa: PLC0415

    if one.incident is not None:
        return IncidentView(desk, one.incident)
    return None if one.run is None else RunView(desk, one.run)
