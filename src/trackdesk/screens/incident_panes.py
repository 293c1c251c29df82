"""The panes of an incident, and which of them stand where: all where there is room, else the one of a tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.containers import Horizontal, Vertical

from trackdesk.screens import figures
from trackdesk.widgets.bar_chart import BarChart
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.log_view import LogView
from trackdesk.widgets.time_chart import TimeChart
from trackdesk.widgets.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.widget import Widget

NO_LINES = "Nothing was logged"
_FILES_SHOWN = 5
_FILES = (
    Column("name", "file", 16, flex=1, priority=0),
    Column("size", "size", 8, align="right", priority=1),
    Column("author", "by", 10, flex=1, most=20, priority=2),
    Column("age", "age", 6, align="right", priority=3),
)


class Shape(NamedTuple):
    """What there is to show of an incident."""

    process: bool = True
    log: bool = True
    chart: bool = False
    files: int = 0

    @property
    def tabs(self) -> list[tuple[str, str]]:
        """(name of the pane, title), for where one pane stands alone."""
        middle = [("chart", "chart")] if self.chart else []
        middle += [("lines", "log")] if self.process else []
        return [
            ("happened", "timeline"),
            *middle,
            ("changed", "what changed"),
            ("told", "who was told"),
            ("files", f"files {self.files}" if self.files else "files"),
        ]


class IncidentPanes(Horizontal):
    DEFAULT_CSS = """
    IncidentPanes { height: 1fr; }
    IncidentPanes .left, IncidentPanes .right { width: 1fr; height: 1fr; }
    IncidentPanes #happened, IncidentPanes #lines, IncidentPanes #told, IncidentPanes #changed { height: 1fr; }
    IncidentPanes #files { height: 1fr; }
    IncidentPanes #chart { height: 2fr; }
    IncidentPanes #usual { height: 6; }
    IncidentPanes.-wide #usual { height: 8; }
    IncidentPanes.-wide #changed { height: 7; }
    IncidentPanes.-wide #changed.-empty { height: 3; }
    IncidentPanes.-wide #changed.-alone { height: 1fr; }
    IncidentPanes .-away { display: none; }
    IncidentPanes.-wide .left { padding-right: 1; }
    IncidentPanes.-charted .left { width: 2fr; }
    IncidentPanes.-charted .right { width: 3fr; }
    IncidentPanes.-full .left { layout: horizontal; width: 2fr; }
    IncidentPanes.-full #happened { width: 1fr; margin-right: 1; }
    IncidentPanes.-full #told { width: 1fr; }
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.happened = Timeline(id="happened", title="Timeline", now=now)
        self.told = Timeline(id="told", title="Who was told, or not", empty="Nobody was to be told", now=now)
        title = "What changed in the hour before"
        self.changed_before = Timeline(id="changed", title=title, empty="Nothing that is known of", now=now)
        self.log_view = LogView(id="lines", title="Last lines of the run", empty=NO_LINES, now=now)
        self.usual = BarChart("Last runs", say=figures.say_span, id="usual")
        self.chart = TimeChart("What the rule watches", now=now, id="chart")
        empty = Empty("No file is attached", "U  attaches one")
        self.files = LiveTable(_FILES, title="Files", empty=empty, titles=False, now=now, id="files")
        self._left = Vertical(self.happened, self.told, classes="left")
        right = (self.chart, self.log_view, self.usual, self.changed_before, self.files)
        self._right = Vertical(*right, classes="right")
        super().__init__(self._left, self._right)

    @property
    def by_name(self) -> dict[str, Widget]:
        """The panes by the names of their tabs."""
        return {
            "happened": self.happened,
            "changed": self.changed_before,
            "chart": self.chart,
            "lines": self.log_view,
            "told": self.told,
            "files": self.files,
        }

    def lay_out(self, shape: Shape, tab: str, *, wide: bool, full: bool) -> None:
        self.set_class(wide, "-wide")
        self.set_class(full and not shape.chart, "-full")
        self.set_class(full and shape.chart, "-charted")
        left = tab in ("happened", "told")
        log = shape.process and (tab == "lines" or wide)
        shown: dict[Widget, bool] = {
            self._left: wide or left,
            self._right: wide or not left,
            self.happened: wide or tab == "happened",
            self.told: wide or tab == "told",
            self.changed_before: wide or tab == "changed",
            self.chart: shape.chart and (wide or tab == "chart"),
            self.log_view: log and (shape.log or not wide),
            self.usual: log and not (wide and shape.chart),
            self.files: bool(shape.files) if wide else tab == "files",
        }
        for pane, there in shown.items():
            pane.set_class(not there, "-away")
        # Of what a person reported there is neither log nor chart to leave room for.
        self.changed_before.set_class(not (log or shape.chart), "-alone")
        self.files.styles.height = min(shape.files, _FILES_SHOWN) + 1 if wide else "1fr"

    @property
    def in_sight(self) -> Sequence[Widget]:
        """The panes that are shown and take keys, in the order of reading."""
        return [pane for pane in self.by_name.values() if pane.focusable and pane.region]
