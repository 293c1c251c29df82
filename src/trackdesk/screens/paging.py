"""What feeds a list: one call of the client, page by page, under a filter and a sort, and news as they come."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from trackdesk.screens.place import Place
from trackdesk.widgets.background import begin
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.filter_bar import FilterBar
from trackdesk.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.page import Page
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.columns import Column
    from trackdesk.widgets.faces import Failure
    from trackdesk.widgets.rows import Row
    from trackdesk.widgets.table_messages import MoreNeeded
    from trackdesk.widgets.view import Changed

T = TypeVar("T")

PAGE = 100
"""Rows asked for at a time."""
LEAP = 500
"""Rows asked for at a time on the way to the last one; twice as many hold the server up for a tenth of a second."""
WINDOW = 300
"""While at most so many rows are loaded, news is answered by reading them all again in one call: that is always right,
whatever the filter and the sort are. Further down only rows that changed are read."""
FEW = 20
"""Rows that are read one by one."""


class PagedPlace(Place, Generic[T]):
    """A row's `data` is the item; its key is the `ref` by which the live stream names the item."""

    TITLE: ClassVar[str] = ""
    COLUMNS: ClassVar[Sequence[Column]] = ()
    EMPTY: ClassVar[Empty] = Empty()
    HINT: ClassVar[str] = "words to find"
    """What may be typed into the filter."""
    FILTERED: ClassVar[bool] = True
    """Whether the list takes `q=`."""
    SORTS: ClassVar[Mapping[str, str]] = {}
    """Column → the field of the API it sorts by."""
    SORT: ClassVar[tuple[str, bool]] = ("", False)
    """Column and whether descending, at first."""

    def __init__(self, desk: Desk, query: Mapping[str, Any] | None = None) -> None:
        """`query` narrows the list for good, beside what is typed into the filter."""
        super().__init__(desk)
        self.table = LiveTable(self.COLUMNS, title=self.TITLE, empty=self.EMPTY, now=desk.now)
        """Kept, not looked for: the lines of the frame ask before the place stands, and after it went."""
        self.filter = FilterBar(hint=self.HINT)
        self.fixed = dict(query or {})
        self.expression = ""
        self.total: int | None = None
        """How many match, as far as the server counted."""
        self._sort = self.SORT
        self._sorted = self.SORT
        """What the rows shown are sorted by: the server may refuse another sort."""
        self._next: str | None = None
        self._read = False
        """Whether there ever was an answer."""

    # -- what a list says of itself --------------------------------------------------------------------------------

    async def fetch(self, query: dict[str, Any]) -> Page[T]:
        """One page from the client."""
        raise NotImplementedError

    async def fetch_one(self, ref: str) -> T:
        """The item that the live stream calls `ref`. Raises NotFound."""
        raise NotImplementedError

    def row(self, item: T) -> Row:
        raise NotImplementedError

    def on_mount(self) -> None:
        if self._sort[0]:
            self.table.set_sort(self._sort[0], descending=self._sort[1])

    # -- loading ---------------------------------------------------------------------------------------------------

    def query_of(self, limit: int) -> dict[str, Any]:
        query: dict[str, Any] = {**self.fixed, "limit": limit}
        if self.expression:
            query["q"] = self.expression
        if self._sort[0]:
            query["sort"] = ("-" if self._sort[1] else "") + self.SORTS[self._sort[0]]
        return query

    async def load(self) -> None:
        from trackdesk.domain.errors import Invalid  # noqa: PLC0415 - loaded by now

        self.table.show_loading()
        expression, query = self.expression, self.query_of(min(max(PAGE, len(self.table.rows)), WINDOW))
        try:
            page = await self.fetch(query)
        except Invalid as error:
            if not self._refused(error):
                raise
            if self._read or not query.pop("q", ""):
                return
            # Nothing stands there that could stay: all of it is better than an empty list.
            expression, page = "", await self.fetch(query)
        self._read = True
        self._sorted = self._sort
        self._next = page.meta.next
        self.total = page.meta.total
        self._show(page, expression)

    def _show(self, page: Page[T], expression: str) -> None:
        table = self.table
        live = table.face == "rows" and table.filtered_by == expression
        known = {row.key for row in table.rows.loaded}
        table.set_filter(expression)
        table.put_rows(
            [self.row(item) for item in page.data],
            more=page.meta.next is not None,
            total=page.meta.total,
            capped=page.meta.total_capped,
        )
        if live:
            table.mark_changed({row.key for row in table.rows.loaded[:PAGE]} - known)
        if self.FILTERED and expression and page.meta.total is not None:
            self.filter.say_hits(page.meta.total, capped=page.meta.total_capped)
        self.loaded()

    def loaded(self) -> None:
        """A page has just been shown."""

    def _refused(self, error: Any) -> bool:
        """The server does not take this sort or filter: say so and show what was shown. Whether that was it."""
        if error.field == "sort" and self._sort != self._sorted:
            self._sort = self._sorted
            self.table.set_sort(self._sort[0], descending=self._sort[1])
            self.post_message(self.Say(error.detail, "late"))
            self.reload(at_once=True)
            return True
        if self.expression and self.FILTERED:
            self.filter.say_error(error.detail.removeprefix("q: "))
            self.table.end_loading()
            return True
        return False

    async def on_more_needed(self, event: MoreNeeded) -> None:
        event.stop()
        if self._next is not None:
            begin(self, partial(self._load_more, self._next), group="more", exclusive=True)

    async def _load_more(self, cursor: str) -> None:
        from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

        try:
            limit = LEAP if self.table.going_to_end else PAGE
            page = await self.fetch({**self.query_of(limit), "cursor": cursor})
        except TrackdeskError as error:
            self.fail(error.detail, retry=True)
            return
        if self._next == cursor:
            self._next = page.meta.next
            self.table.append_page([self.row(item) for item in page.data], more=page.meta.next is not None)

    # -- live ------------------------------------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        if change.resync or len(self.table.rows) <= WINDOW:
            self.reload()
        else:
            begin(self, partial(self._follow, change.refs), group="follow")

    async def _follow(self, refs: frozenset[str]) -> None:
        """Deep in a long list: read the rows that changed, and put what is new at the top."""
        from trackdesk.domain.errors import NotFound  # noqa: PLC0415 - loaded by now

        table = self.table
        for ref in [ref for ref in refs if table.rows.get(ref) is not None][:FEW]:
            try:
                table.update_row(self.row(await self.fetch_one(ref)))
            except NotFound:
                table.remove_row(ref)
        if self._sort[1] and any(table.rows.get(ref) is None for ref in refs):
            page = await self.fetch(self.query_of(PAGE))
            table.insert_rows([row for row in map(self.row, page.data) if table.rows.get(row.key) is None])

    def put(self, item: T) -> None:
        """Show how an item stands after a change of one's own; the stream will say the same a little later."""
        self.table.update_row(self.row(item))

    def lost(self, failure: Failure) -> None:
        super().lost(failure)
        self._next = None if not len(self.table.rows) else self._next
