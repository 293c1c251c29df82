"""Silences: what nobody is told about, for how long, why, and how much that was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.muting import mute, words_of
from trackdesk.widgets import when
from trackdesk.widgets.cells import Clocked
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.page import Page
    from trackdesk.domain.silence import Silence
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.forms import Errors, Values

STATES = {
    "active": Mark("‖", "silent", "late", "="),
    "pending": Mark("○", "to come", "new", "o"),
    "ended": Mark("✓", "over", "dim", "+"),
}


class SilencesView(ListPlace["Silence"]):
    CONTEXTS = ("silence", "list")
    TOPICS = frozenset({"silences", "incidents"})
    TITLE = "Silences"
    HINT = "state:active  or words"
    EMPTY = Empty("Nothing is silenced", "M  on a service, process, rule or incident silences it; n makes any other")
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("new", "edit", "delete"), "operate")
    COLUMNS = (
        Column("state", "state", 9, priority=0),
        Column("match", "silences", 18, flex=2, most=60, priority=0),
        Column("until", "until", 9, align="right", priority=0),
        Column("reason", "why", 24, flex=5, priority=1),
        Column("muted", "muted", 5, align="right", priority=2),
        Column("held", "waiting", 7, align="right", priority=3),
        Column("by", "by", 16, flex=2, most=32, priority=4),
    )

    async def fetch(self, query: dict[str, Any]) -> Page[Silence]:
        return await self.client.silences.list(query)

    async def fetch_one(self, ref: str) -> Silence:
        return await self.client.silences.get(int(ref))

    def row(self, item: Silence) -> Row:
        return Row(str(item.id), cells_of(item), item)

    def curl_of(self, items: Sequence[Silence]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/silences/{each.id}") for each in items)

    def why_not(self, action: str) -> str | None:
        if action in ("edit", "delete"):
            one = self.selected
            if one is None:
                return "nothing is silenced"
            if one.state == "ended":
                return f"silence {one.id} is over"
        return super().why_not(action)

    async def do_new(self) -> None:
        if await mute(self, {}):
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        silence = self.selected
        if silence is None:
            return

        async def save(values: Values) -> Errors:
            body = {name: value for name, value in values.items() if value}
            return await self.submit(self.client.silences.patch(silence.id, body, if_match=silence.version))

        fields = [
            Field("until", "until", "", f"as it is: {when.day_clock(silence.until, self.desk.now())}; 2h: from now on"),
            Field("reason", "why", silence.reason, required=True),
        ]
        if await self.ask(FormDialog(f"Silence {silence.id}: {words_of(silence.match)}", fields, submit=save)):
            self.post_message(self.Say(f"Saved silence {silence.id}"))
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        """End it now; one that is not begun yet never begins."""
        silence = self.selected
        if silence is None:
            return
        told = f"{silence.held:,} open incidents that it held back are told now." if silence.held else "Nothing waits."
        if silence.held == 1:
            told = "One open incident that it held back is told now."
        if await self.ask(ConfirmDialog(f"End the silence of {words_of(silence.match)}?", told)):
            done = await self.attempt(self._end(silence.id), f"Silence {silence.id} is over")
            if done:
                self.reload(at_once=True)

    async def _end(self, silence: int) -> bool:
        await self.client.silences.end(silence)
        return True


def cells_of(item: Silence) -> dict[str, Cell]:
    over = item.state == "ended"
    said = words_of(item.match)
    return {
        "state": STATES.get(item.state, STATES["ended"]),
        "match": Toned(said, "dim") if over else said,
        "until": Clocked(item.until, when.ago if over else _until),
        "reason": Toned(item.reason, "dim" if over else "new"),
        "muted": f"{item.muted:,}" if item.muted else "",
        "held": Toned(f"{item.held:,}", "late") if item.held else "",
        "by": Toned(item.ended_by or item.created_by, "dim"),
    }


def _until(at: int | None, now: int) -> str:
    return "" if at is None else "now" if at <= now else f"in {when.span(at - now)}"
