"""Deliveries: what was sent over channels, to whom it did not get, and sending it again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.place import Place
from trackdesk.screens.tabbed import TabbedList
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.background import begin
from trackdesk.widgets.cells import age, due
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.rows import Row
from trackdesk.widgets.timeline import Entry, Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.notification import Delivery
    from trackdesk.domain.page import Page
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.glyphs import Role
    from trackdesk.widgets.table_messages import RowOpened, RowSelected

COLUMNS = (
    Column("channel", "channel", 12, flex=2, most=30, priority=0),
    Column("status", "status", 11, priority=0),
    Column("tries", "tries", 5, align="right", priority=4),
    Column("next", "next try", 8, align="right", priority=3),
    Column("said", "last answer", 12, flex=2, priority=2),
    Column("created", "age", 6, align="right", priority=0),
)
ABOUT = Column("about", "about", 26, flex=8, priority=1)
_OUTCOMES: Mapping[str, tuple[str, Role]] = {
    "sent": ("sent", "ok"),
    "failed": ("failed", "late"),
    "refused": ("refused", "fail"),
}


def delivery_row(item: Delivery) -> Row:
    last = item.attempts[-1] if item.attempts else None
    said = "" if last is None else last.status if last.error is None else f"{last.status}: {last.error}"
    return Row(
        str(item.id),
        {
            "channel": item.channel_name,
            "status": glyphs.delivery_status(item.status),
            "about": item.title,
            "tries": str(len(item.attempts)),
            "next": due(item.next_try_at),
            "said": Toned(said, "dim" if item.status == "SENT" else "new"),
            "created": age(item.created_at),
        },
        item,
    )


def attempt_entries(item: Delivery) -> list[Entry]:
    """Every attempt, oldest first, with how long it took and what came back."""
    entries = []
    for each in item.attempts:
        word, role = _OUTCOMES.get(each.outcome, (each.outcome, "new"))
        error = "" if each.error is None else f"\n{each.error}"
        entries.append(Entry(each.at, word, f"{each.status} after {when.span(each.took)}{error}", role))
    if item.status == "DEAD":
        last = item.attempts[-1].at if item.attempts else item.created_at
        entries.append(Entry(last, "given up", "R sends it again", "fail"))
    return entries


class Retrying(Place):
    """A place with deliveries in it."""

    NEEDS: ClassVar[Mapping[str, str]] = {"retry": "operate"}

    def deliveries(self) -> Sequence[Delivery]:
        """Those that `retry` is about."""
        raise NotImplementedError

    def why_not(self, action: str) -> str | None:
        if action == "retry" and super().why_not(action) is None:
            chosen = self.deliveries()
            if not chosen:
                return "there is no delivery here"
            if all(each.status == "SENT" for each in chosen):
                return "it has arrived" if len(chosen) == 1 else "all of them have arrived"
        return super().why_not(action)

    async def do_retry(self) -> None:
        wanted = [each for each in self.deliveries() if each.status != "SENT"]
        if len(wanted) > 1 and not await self.ask(
            ConfirmDialog(f"Send {len(wanted)} deliveries again now?", _channels(wanted))
        ):
            return
        done = 0
        for each in wanted:
            if await self.attempt(self.client.deliveries.retry(each.id)) is not None:
                done += 1
        if done:
            self.post_message(
                self.Say(f"Sending it again over {_channels(wanted)}" if done == 1 else f"{done} go again")
            )
        self.reload(at_once=True)


def _channels(wanted: Sequence[Delivery]) -> str:
    return ", ".join(sorted({each.channel_name for each in wanted}))


ALL, WAITING, DEAD, SENT = "all", "waiting", "dead", "sent"
_STATUSES = {WAITING: ["PENDING", "RETRYING"], DEAD: ["DEAD"], SENT: ["SENT"]}


class DeliveriesView(Retrying, TabbedList["Delivery"]):
    """All deliveries, or with a query those of a channel."""

    CONTEXTS = ("delivery", "list", "tabs")
    TOPICS = frozenset({"deliveries"})
    TITLE = "Deliveries"
    FILTERED = False
    TABS = (ALL, WAITING, DEAD, SENT)
    DEFAULT_CSS = """
    DeliveriesView LiveTable { height: 2fr; }
    DeliveriesView Timeline { height: 1fr; }
    """
    EMPTY = Empty("Nothing was sent", "T on a channel sends a test message")
    COLUMNS = (*COLUMNS[:2], ABOUT, *COLUMNS[2:])

    def __init__(self, desk: Desk, query: Mapping[str, Any] | None = None, *, of: str = "", tab: str = "") -> None:
        """`of` names the channel that `query` picks."""
        super().__init__(desk, query, tab=tab)
        self.of = of
        self._attempts = Timeline(title="Attempts", empty="Nothing was sent yet", now=desk.now)

    @property
    def heading(self) -> str:
        return self.of or self.TITLE

    def compose_below(self) -> ComposeResult:
        yield self._attempts

    def on_row_selected(self, _message: RowSelected) -> None:
        one = self.selected
        self._attempts.put_entries([] if one is None else attempt_entries(one))

    async def fetch(self, query: dict[str, Any]) -> Page[Delivery]:
        if self.tab in _STATUSES:
            query["status"] = _STATUSES[self.tab]
        return await self.client.deliveries.list(query)

    async def fetch_one(self, ref: str) -> Delivery:
        page = await self.client.deliveries.list({**self.fixed, "limit": 1000})
        found = next((each for each in page.data if str(each.id) == ref), None)
        if found is None:
            from trackdesk.domain.errors import NotFound  # noqa: PLC0415 - loaded by now

            raise NotFound(f"There is no delivery {ref} here.")
        return found

    def row(self, item: Delivery) -> Row:
        return delivery_row(item)

    def name_of(self, item: Delivery) -> str:
        return item.uid

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        item: Any = event.row.data
        begin(self, partial(self._open, item.notification), group="open", exclusive=True)

    async def _open(self, number: int) -> None:
        """What was sent; of a test there is nothing in an inbox, and that is said here."""
        from trackdesk.screens.notification import NotificationView  # noqa: PLC0415 - it has deliveries itself

        if await self.attempt(self.client.notifications.get(number)) is not None:
            self.post_message(self.Open(NotificationView(self.desk, number)))

    def deliveries(self) -> Sequence[Delivery]:
        return self.targets
