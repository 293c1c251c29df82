"""What there is to look after: channels, deliveries, departments, keys, and the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.place import Place
from trackdesk.widgets.columns import Column
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.identity import Readiness
    from trackdesk.domain.notification import Channel
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.view import View

WELL = Mark("✓", "well", "ok", "+")
ILL = Mark("✗", "not well", "fail", "x")
_COUNTED = 1000


class AdminView(Place):
    CONTEXTS = ("list",)
    TOPICS = frozenset({"channels", "deliveries", "departments", "keys"})
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", "what", 16, priority=0),
        Column("state", "", 10, priority=0),
        Column("words", "how it stands", 30, flex=1, priority=0),
    )

    def __init__(self, desk: Desk, places: Mapping[str, Callable[[Desk], View]]) -> None:
        """`places` are what makes the lists that rows open, by the names of the rows."""
        super().__init__(desk)
        self._places = places
        self._table = LiveTable(self.COLUMNS, title="Admin", now=desk.now)

    @property
    def heading(self) -> str:
        return "Admin"

    def compose(self) -> ComposeResult:
        yield self._table

    async def load(self) -> None:
        self._table.show_loading()
        client = self.client
        channels = (await client.channels.list({"limit": _COUNTED})).data
        departments = (await client.departments.list({"limit": _COUNTED})).data
        summary = await client.stats.summary()
        ready = await client.operations.readyz()
        no_keys = self.desk.refusal("admin")
        keys = [] if no_keys else (await client.keys.list({"limit": _COUNTED})).data
        said = no_keys or f"{_count(len(keys), 'key')} beside the owner's"
        rows = [
            _channels(channels),
            _deliveries(summary.deliveries),
            _row("departments", None, ", ".join(each.id for each in departments)),
            _row("keys", None, Toned(said, "dim") if no_keys else said),
            *self._server(ready),
        ]
        self._table.put_rows(rows)

    def _server(self, ready: Readiness) -> list[Row]:
        who = self.desk.whoami
        mine = "" if who is None else f"trackdesk {who.version} at {self.client.url}; you are {who.name}, {who.role}"
        workers = [_row(f" {each.name}", WELL if each.ok else ILL, each.detail) for each in ready.workers]
        return [_row("server", WELL if ready.ready else ILL, mine), *workers]

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        if event.row.key in self._places:
            self.turn_to(event.row.key)
        else:
            self.post_message(self.Say(f"{event.row.key.strip()}: there is nothing more to see", "dim"))

    def turn_to(self, name: str, expression: str = "") -> None:
        if name in self._places:
            self.post_message(self.Open(self._places[name](self.desk)))
        else:
            super().turn_to(name, expression)


def _row(name: str, state: Cell, words: Any) -> Row:
    return Row(name, {"name": name, "state": state, "words": words})


def _channels(channels: Sequence[Channel]) -> Row:
    dead = [each.name for each in channels if each.enabled and each.dead_since is not None]
    off = sum(not each.enabled for each in channels)
    unproven = sum(each.enabled and each.proven_at is None and each.dead_since is None for each in channels)
    words = [_count(len(channels), "channel")]
    words += [f"dead: {', '.join(dead)}"] if dead else []
    words += [f"{unproven} never proven"] if unproven else []
    words += [f"{off} off"] if off else []
    if not channels:
        return _row("channels", None, "nobody is told outside of the inbox; enter, then n makes one")
    return _row("channels", ILL if dead else WELL, "; ".join(words))


def _deliveries(counts: Mapping[str, int]) -> Row:
    waiting = counts.get("PENDING", 0) + counts.get("RETRYING", 0)
    dead = counts.get("DEAD", 0)
    words = [f"{waiting} waiting"] if waiting else []
    words += [f"{dead} dead"] if dead else []
    return _row("deliveries", ILL if dead else WELL, ", ".join(words) or "all are out")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
