"""The line above a pane: its title in a rule, what there is to say beside it, and the rest of the rule."""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from trackdesk.widgets.cells import fitted
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look


def rule_strip(title: str, notes: list[Toned], width: int, look: Look, *, focused: bool = False) -> Strip:
    """` ─ Incidents ─ 12 of 340 ─ /late ─────────`, exactly `width` cells. Notes that have no room are left out."""
    line = look.pick("─", "-")
    rule = look.styles["rule"]
    said = Segment(
        fitted(title, min(cell_len(title), max(width - 4, 0)), "left", look), _title_style(look, focused=focused)
    )
    parts = [Segment(f"{line} ", rule), said, Segment(" ")]
    used = 3 + cell_len(said.text)
    for note in notes:
        text = fitted(note.text, cell_len(note.text), "left", look)
        if used + cell_len(text) + 3 > width:
            break
        parts += [Segment(f"{line} ", rule), Segment(text, look.role(note.role, bold=note.bold)), Segment(" ")]
        used += cell_len(text) + 3
    if width > used:
        parts.append(Segment(line * (width - used), rule))
    return Strip(parts).crop(0, width)


def _title_style(look: Look, *, focused: bool) -> Style:
    return look.role("run", bold=True) if focused else look.role("new", bold=True)


class RuleLine(Widget):
    """The same line on its own, above what is no pane."""

    DEFAULT_CSS = """
    RuleLine { height: 1; width: 1fr; }
    """

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - the name Textual gives it
        super().__init__(id=id)
        self._title = title

    def put(self, title: str) -> None:
        self._title = title
        self.refresh()

    def render_line(self, y: int) -> Strip:
        del y
        style = self.rich_style
        base = Style(color=style.color, bgcolor=style.bgcolor)
        return rule_strip(self._title, [], self.size.width, Look.of(self.app)).apply_style(base)
