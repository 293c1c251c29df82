"""Which tag values hold the problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.figures import percent, span
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.ranged import Ranged
from trackdesk.screens.ranges import window
from trackdesk.widgets import budget
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.analytics import TagFigures
    from trackdesk.domain.page import Page
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.table_messages import SortRequested
    from trackdesk.widgets.view import View

MOST = 500
"""Tag values read: those with the most problems."""
_BAR = 12

_SORTED: dict[str, Any] = {
    "runs": lambda each: each.count,
    "problems": lambda each: each.problems,
    "percent": lambda each: each.problem_percent,
    "lift": lambda each: each.lift or 0,
    "missed": lambda each: each.missed,
    "failed": lambda each: each.failed,
    "p50": lambda each: each.p50 or 0,
    "p90": lambda each: each.p90 or 0,
}


class TagsView(ListPlace["TagFigures"], Ranged):
    CONTEXTS = ("list", "range")
    TOPICS = frozenset({"runs"})
    TITLE = "Tags, those with the most problems first"
    HINT = "words of key=value"
    EMPTY = Empty("No run with a tag has ended in this time", "trackdesk start nightly-backup --tag env=prod")
    SORTS: ClassVar[Mapping[str, str]] = {column: column for column in _SORTED}
    COLUMNS = (
        Column("tag", "tag", 18, flex=3, priority=0, most=48),
        Column("runs", "runs", 7, align="right", priority=1, sortable=True),
        Column("problems", "problems", 8, align="right", priority=0, sortable=True),
        Column("percent", "of its", 6, align="right", priority=1, sortable=True),
        Column("share", "of all problems", _BAR + 6, priority=2),
        Column("lift", "against rest", 13, align="right", priority=2, sortable=True),
        Column("missed", "missed", 6, align="right", priority=3, sortable=True),
        Column("failed", "failed", 6, align="right", priority=3, sortable=True),
        Column("p50", "p50", 6, align="right", priority=4, sortable=True),
        Column("p90", "p90", 6, align="right", priority=4, sortable=True),
    )

    def compose(self) -> ComposeResult:
        yield self.range_line
        yield from super().compose()

    async def fetch(self, query: dict[str, Any]) -> Page[TagFigures]:
        """All of them as one page; filter and sort are at home here."""
        from trackdesk.domain.page import Page, PageMeta  # noqa: PLC0415 - loaded by now

        del query
        answer = await self.client.stats.tags({**window(self.range, self.desk.now()), "limit": MOST})
        words = self.expression.lower().split()
        found = [each for each in answer.data if all(word in _name(each).lower() for word in words)]
        column, descending = self._sort
        if column:
            found.sort(key=_SORTED[column], reverse=descending)
        return Page(data=found, meta=PageMeta(limit=MOST, total=len(found) if words else answer.meta.total))

    def row(self, item: TagFigures) -> Row:
        look = Look.of(self.app)
        share = (item.share or 0) / 100
        bar = budget.bar(share, _BAR, ascii_only=look.ascii_only)
        return Row(
            _name(item),
            {
                "tag": _name(item),
                "runs": f"{item.count:,}",
                "problems": Toned(f"{item.problems:,}", "fail" if item.problems else "dim"),
                "percent": percent(item.problem_percent, "late"),
                "share": Toned(f"{bar}{share:>6.0%}" if item.problems else "", "late"),
                "lift": _lift(item),
                "missed": Toned(f"{item.missed:,}", "late") if item.missed else "",
                "failed": Toned(f"{item.failed:,}", "fail") if item.failed else "",
                "p50": span(item.p50),
                "p90": span(item.p90),
            },
            item,
        )

    def place_of(self, item: TagFigures) -> View:
        return runs_with(self.desk, item.key, item.value)

    def curl_of(self, items: Sequence[TagFigures]) -> str:
        del items
        return curl(self.client, "GET", "/v1/tags")

    def on_sort_requested(self, event: SortRequested) -> None:
        # The first time the greatest, which is what one looks for.
        event.descending = event.descending or event.column != self._sort[0]

    @property
    def heading(self) -> str:
        return "Tags"


def runs_with(desk: Desk, key: str, value: str) -> View:
    """The runs with that tag."""
    from trackdesk.screens.runs import RunsView  # noqa: PLC0415 - each screen is loaded when it is gone to

    class _Runs(RunsView):
        @property
        def heading(self) -> str:
            return f"runs with {key}={value}"

    return _Runs(desk, {"tag": f"{key}:{value}"})


def _name(item: TagFigures) -> str:
    return f"{item.key}={item.value}"


def _lift(item: TagFigures) -> Toned:
    """How much more often its runs have a problem than those without it."""
    if item.lift is None:
        return Toned("only here" if item.problems else "", "fail")
    if item.lift >= 1.25:
        return Toned(f"{item.lift:.1f}x as often", "fail" if item.lift >= 2 else "late")
    return Toned(f"{item.lift:.1f}x", "dim")
