"""`?`: what every key does here, made from the table of actions."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from trackdesk.console import actions
from trackdesk.console.sections import Section
from trackdesk.widgets.dialogs import Dialog
from trackdesk.widgets.look import Look

_KEY = 9


class HelpScreen(Dialog[None]):
    DEFAULT_CSS = """
    HelpScreen > .box { width: 100; }
    HelpScreen VerticalScroll { height: auto; scrollbar-size-vertical: 1; }
    HelpScreen Horizontal { height: auto; }
    HelpScreen .group { height: auto; margin-bottom: 1; }
    HelpScreen .column { width: 1fr; height: auto; padding-right: 2; }
    HelpScreen.-narrow Horizontal { layout: vertical; }
    HelpScreen.-narrow .column { width: 100%; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("j k", "scroll"), ("esc", "close"))

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,enter", "cancel", "close", show=False),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, place: str, offered: Sequence[actions.Action], sections: Sequence[Section]) -> None:
        super().__init__(f"Keys of {place}")
        self._offered = offered
        self._sections = sections
        self._scroll = VerticalScroll()

    def compose_body(self) -> ComposeResult:
        groups = [(group, rows) for group in actions.GROUPS if (rows := self._rows(group))]
        half = _halfway([len(rows) + 2 for _, rows in groups])
        with self._scroll, Horizontal():
            for column in (groups[:half], groups[half:]):
                with Vertical(classes="column"):
                    for group, rows in column:
                        yield Static(self._block(group, rows), classes="group")

    def on_mount(self) -> None:
        super().on_mount()
        self._scroll.focus()

    def action_scroll(self, by: int) -> None:
        self._scroll.scroll_relative(y=by * 2, animate=False)

    def _rows(self, group: str) -> list[tuple[str, str]]:
        plain = Look.of(self.app).ascii_only
        rows = [
            (" ".join(actions.shown(key, ascii_only=plain) for key in action.keys), action.tooltip)
            for action in self._offered
            if action.group == group
        ]
        if group == actions.GO:
            return [(section.key, f"{section.title}.") for section in self._sections] + rows
        return rows

    def _block(self, group: str, rows: Sequence[tuple[str, str]]) -> Table:
        look = Look.of(self.app)
        block = Table.grid(padding=(0, 2, 0, 0))
        block.add_column(min_width=_KEY, no_wrap=True)
        block.add_column()
        block.add_row(Text(group, look.role("dim", bold=True)))
        for keys, tooltip in rows:
            block.add_row(Text(keys, look.role("run")), Text(tooltip, look.role("new")))
        return block


def _halfway(sizes: Sequence[int]) -> int:
    """After which block the second column begins, for columns of like height."""
    return min(range(1, len(sizes) + 1), key=lambda at: abs(sum(sizes[:at]) - sum(sizes[at:])), default=1)
