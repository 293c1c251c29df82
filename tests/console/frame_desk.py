"""A console of two sections over a stream that the test writes: the frame without any server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.widgets import Static

from trackdesk.client import LiveState, LiveStatus
from trackdesk.console.app import Console
from trackdesk.console.sections import Section
from trackdesk.widgets.columns import Column
from trackdesk.widgets.filter_bar import FilterBar
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.rows import Row
from trackdesk.widgets.table_messages import RowOpened
from trackdesk.widgets.view import Changed, View

LIVE = LiveStatus(LiveState.LIVE)
NOW = 1_700_000_000_000_000


@dataclass
class Event:
    topic: str
    ref: str = ""
    resync: bool = False


class Incidents(View):
    CONTEXTS = ("incident", "list")
    TOPICS = frozenset({"incidents"})

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []
        self.news: list[Changed] = []
        self.filters: list[str] = []
        self.unsaved = ""

    def compose(self) -> ComposeResult:
        yield FilterBar()
        yield LiveTable([Column("name", "what", 10, flex=1)], title="Incidents")

    def on_mount(self) -> None:
        self.query_one(LiveTable).put_rows([Row(f"INC-{n}", {"name": f"incident {n}."}) for n in range(1, 4)])

    @property
    def pending(self) -> str:
        return self.unsaved

    def why_not(self, action: str) -> str | None:
        return "it is open already" if action == "reopen" else None

    def do_take(self) -> None:
        self.taken += [row.key for row in self.query_one(LiveTable).targets]
        self.post_message(self.Say("taken"))

    async def do_assign(self) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("the server said no")

    def do_reopen(self) -> None:
        raise AssertionError("must not be reached")

    def do_filter(self) -> None:
        self.query_one(FilterBar).open_bar()

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        self.filters.append(message.expression)

    def on_row_opened(self, message: RowOpened) -> None:
        self.post_message(self.Open(Detail(message.row.key)))

    def changed(self, change: Changed) -> None:
        self.news.append(change)

    def narrow(self, expression: str) -> None:
        self.query_one(FilterBar).set_expression(expression)


class Detail(View):
    CONTEXTS = ("incident",)

    def __init__(self, ref: str) -> None:
        super().__init__()
        self.ref = ref

    @property
    def heading(self) -> str:
        return self.ref

    def compose(self) -> ComposeResult:
        yield Static(f"all about {self.ref}")


class Runs(View):
    CONTEXTS = ("run", "list")

    def compose(self) -> ComposeResult:
        yield LiveTable([Column("name", "process", 10, flex=1)], title="All runs")

    def on_mount(self) -> None:
        self.query_one(LiveTable).put_rows([])


class Desk(Console):
    """A console over a stream the test writes."""

    def __init__(self, *more: Section, ascii_only: bool = False) -> None:
        self.events: asyncio.Queue[Event | LiveStatus] = asyncio.Queue()
        self.incidents = Incidents()
        sections = [
            Section("2", "runs", "Runs", lambda _client: Runs()),
            Section("4", "incidents", "Incidents", lambda _client: self.incidents),
            *more,
        ]
        super().__init__(
            None,
            sections,
            connect=self.stream,
            server="127.0.0.1:8787",
            now=lambda: NOW,
            log_tail=lambda: "stream opened",
            ascii_only=ascii_only,
        )

    async def stream(self, tell: Callable[[LiveStatus], object]) -> AsyncIterator[Event]:
        while True:
            news = await self.events.get()
            if isinstance(news, LiveStatus):
                tell(news)
            else:
                yield news
