"""The inbox: what the departments of this key were told, and whether it has been read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.notification import NotificationView, about
from trackdesk.screens.paging import WINDOW
from trackdesk.screens.tabbed import TabbedList
from trackdesk.widgets import glyphs
from trackdesk.widgets.cells import age
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.notification import Delivery, Notification
    from trackdesk.domain.page import Page
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.view import Changed

ALL, UNREAD = "all", "unread"
AT_ONCE = 8


class InboxView(TabbedList["Notification"]):
    CONTEXTS = ("inbox", "list", "tabs")
    TOPICS = frozenset({"notifications", "deliveries"})
    TITLE = "Inbox"
    TABS = (ALL, UNREAD)
    HINT = "kind:opened  severity:>=high  department:ops  incident:INC-42  or words"
    EMPTY = Empty("Nothing was told yet", "incidents and near deadlines are told here as they happen")
    COLUMNS = (
        Column("unread", "", 1, priority=0),
        Column("severity", "severity", 10, priority=3),
        Column("kind", "what", 9, priority=1),
        Column("title", "about", 34, flex=6, priority=0),
        Column("department", "for", 8, flex=1, most=14, priority=4),
        Column("sent", "outside", 8, flex=1, most=16, priority=2),
        Column("created", "age", 6, align="right", priority=0),
    )
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("read", "read_all", "undo"), "report")

    def __init__(self, desk: Desk, query: Mapping[str, Any] | None = None) -> None:
        super().__init__(desk, query)
        self.before: list[tuple[list[int], bool]] = []
        """What was marked last: the ids, and whether they were unread before."""
        self._in_turn = asyncio.Lock()
        """What is taken back must not overtake what it takes back."""

    # -- rows ------------------------------------------------------------------------------------------------------

    async def fetch(self, query: dict[str, Any]) -> Page[Notification]:
        if self.tab == UNREAD:
            query["unread"] = True
        return await self.client.notifications.list(query)

    async def fetch_one(self, ref: str) -> Notification:
        return await self.client.notifications.get(int(ref))

    def row(self, item: Notification) -> Row:
        unread = item.read_at is None
        return Row(
            str(item.id),
            {
                "unread": glyphs.UNREAD if unread else glyphs.READ,
                "severity": None if item.severity is None else glyphs.severity(item.severity),
                "kind": Toned(item.kind.replace("_", " "), "new" if unread else "dim"),
                "title": Toned(item.title, "new", bold=True) if unread else Toned(item.title, "dim"),
                "department": Toned(item.department, "new" if unread else "dim"),
                "sent": sent_words(item.deliveries),
                "created": age(item.created_at),
            },
            item,
        )

    def place_of(self, item: Notification) -> NotificationView:
        return NotificationView(self.desk, item.id, marked=self._marked_there)

    def _marked_there(self, item: Notification) -> None:
        """The opened notification was marked as read or unread: nobody else hears of that."""
        self.put(item)
        self.reload()

    def curl_of(self, items: Sequence[Notification]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/notifications/{each.id}") for each in items)

    def changed(self, change: Changed) -> None:
        # The refs of deliveries are not those of the rows: deep in a long list they are left for the next look.
        if change.topic != "deliveries" or len(self.table.rows) <= WINDOW:
            super().changed(change)

    # -- marking ---------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        if action == "undo" and not self.before:
            return "there is nothing to take back here"
        if action in ("read", "about") and self.selected is None:
            return "the list is empty"
        if action == "about":
            one = self.selected
            return None if one is None or one.incident or one.run else "it is about neither incident nor run"
        return super().why_not(action)

    async def do_read(self) -> None:
        targets = self.targets
        unread = [each.id for each in targets if each.read_at is None]
        ids = unread or [each.id for each in targets]
        if await self._mark(ids, read=bool(unread)):
            self.before.append((ids, bool(unread)))
            self.table.clear_marks()

    async def do_undo(self) -> None:
        ids, unread = self.before.pop()
        await self._mark(ids, read=not unread)

    async def do_read_all(self) -> None:
        count = await self.attempt(self.client.notifications.unread_count())
        if count is None:
            return
        if count.count == 0:
            self.post_message(self.Say("I all read: everything is read already", "late"))
            return
        if await self.ask(ConfirmDialog(f"Mark all {count.count} unread as read?", "For you; others have their own.")):
            await self.attempt(self.client.notifications.read_all(), f"{count.count} marked as read")
            self.reload(at_once=True)

    async def _mark(self, ids: Sequence[int], *, read: bool) -> bool:
        call = self.client.notifications.read if read else self.client.notifications.unread
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                await call(number)

        async def every() -> bool:
            await asyncio.gather(*map(one, ids))
            return True

        word = "read" if read else "unread"
        async with self._in_turn:
            done = await self.attempt(every(), f"Marked as {word}" if len(ids) == 1 else f"{len(ids)} marked as {word}")
        self.reload(at_once=True)
        return bool(done)

    def do_about(self) -> None:
        if self.selected is not None and (view := about(self.desk, self.selected)) is not None:
            self.post_message(self.Open(view))


def sent_words(deliveries: Sequence[Delivery]) -> Toned | None:
    """How telling the outside went, the worst first: `1 dead, 2 sent`."""
    if not deliveries:
        return Toned("no channel", "dim")
    counts = [(status, sum(each.status == status for each in deliveries)) for status in _WORST_FIRST]
    shown = [(status, count) for status, count in counts if count]
    words = ", ".join(f"{count} {glyphs.delivery_status(status).word}" for status, count in shown)
    role = glyphs.delivery_status(shown[0][0]).role if shown else "dim"
    return Toned(words, "dim" if role == "ok" else role)


_WORST_FIRST = ("DEAD", "RETRYING", "PENDING", "GROUPED", "SENT")
