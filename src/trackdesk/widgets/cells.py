"""What stands in a cell of a table, and how it becomes characters of exactly the column's width."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from trackdesk.domain.safe import safe_text
from trackdesk.widgets import budget, when
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.look import Look

Align = Literal["left", "right"]
Words = str | Text | Mark | Toned
_VALUE = 6
"""Cells of a number."""
_SPARK = 7
"""Cells of a line that a name leaves it."""


@dataclass(frozen=True, slots=True)
class Clocked:
    """Words that depend on the time: drawn anew by the table's tick, and equal while instant and wording are."""

    at: int | None
    say: Callable[[int | None, int], Words]

    def __call__(self, now: int) -> Words:
        return self.say(self.at, now)


def ago(at: int | None) -> Clocked:
    """`3m ago`."""
    return Clocked(at, when.ago)


def age(at: int | None) -> Clocked:
    """How long since the instant: `3h08`; empty without one."""
    return Clocked(at, _age)


def due(at: int | None) -> Clocked:
    """`in 12m`, or `late 4m` in the colour of lateness."""
    return Clocked(at, _due)


@dataclass(frozen=True, slots=True)
class Budget:
    """The used share of the time between two instants, drawn as a bar and a percentage over the column's width."""

    start: int
    deadline: int
    warn_at: float = 0.75

    def share(self, now: int) -> float:
        return max(now - self.start, 0) / max(self.deadline - self.start, 1)


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric: its name, how it went, how it is. Drawn as `LATENCY_MS ▂▃▅▇   123` over the column's width."""

    name: str
    values: Sequence[float | None] = ()
    """One a stretch of time, None where nothing was measured; empty while it has not been read."""
    last: float | None = None


Cell: TypeAlias = Words | Clocked | Budget | Trend | None


def says(cell: Cell, now: int) -> object:
    """What `cell` says at `now`, for telling whether it has to be drawn again."""
    if isinstance(cell, Clocked):
        return cell(now)
    return int(cell.share(now) * 1000) if isinstance(cell, Budget) else None


def moves(cell: Cell) -> bool:
    """Whether the cell says another thing as time passes."""
    return isinstance(cell, Clocked | Budget)


def draw(cell: Cell, width: int, align: Align, look: Look, now: int) -> list[Segment]:
    """`cell` in exactly `width` cells. What does not fit ends in an ellipsis; control characters are spelt out."""
    if isinstance(cell, Clocked):
        cell = cell(now)
    if isinstance(cell, Budget):
        cell = _budget(cell, width, look, now)
    match cell:
        case None:
            return [Segment(" " * width)]
        case Mark():
            said = (
                (cell.ascii if look.ascii_only else cell.glyph) if width < 3 else cell.text(ascii_only=look.ascii_only)
            )
            return [Segment(fitted(said, width, align, look), look.role(cell.role))]
        case Toned():
            return [Segment(fitted(cell.text, width, align, look), look.role(cell.role, bold=cell.bold))]
        case Trend():
            return trend_line(cell, width, look)
        case Text():
            return _rich(cell, width, align, look)
    return [Segment(fitted(cell, width, align, look))]


def trend_line(trend: Trend, width: int, look: Look) -> list[Segment]:
    """`LATENCY_MS ▂▃▅▇   123`, exactly `width` cells."""
    label = min(max(width - _VALUE - _SPARK - 2, 6), 14)
    cells = max(width - label - _VALUE - 2, 0)
    last = "" if trend.last is None else budget.number(trend.last)
    values = budget.squeezed(trend.values, cells)
    least = min((value for value in values if value is not None), default=0.0)
    if values:
        drawn = budget.sparkline(values, cells, low=min(least, 0.0), ascii_only=look.ascii_only)
    else:
        drawn = look.pick("…", "~")
    return [
        Segment(f"{fitted(trend.name, label, 'left', look)} ", look.role("dim")),
        Segment(fitted(drawn, cells, "left", look), look.role("dim" if trend.last is None else "run")),
        Segment(f" {last:>{_VALUE}}", look.role("new")),
    ]


def fitted(text: str, width: int, align: Align, look: Look) -> str:
    """Safe `text`, cut or padded to `width` cells."""
    text = safe_text(text)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return f"{set_cell_size(text, width - 1)}{look.pick('…', '~')}" if width > 1 else set_cell_size(text, width)
    pad = " " * (width - length)
    return pad + text if align == "right" else text + pad


def _rich(text: Text, width: int, align: Align, look: Look) -> list[Segment]:
    plain = safe_text(text.plain)
    base = text.style if isinstance(text.style, Style) else Style.null()
    if plain != text.plain or cell_len(plain) > width or any(isinstance(span.style, str) for span in text.spans):
        return [Segment(fitted(plain, width, align, look), base)]
    pad = Segment(" " * (width - cell_len(plain)))
    styled = [Segment(plain[start:end], base + style) for start, end, style in _runs(text)]
    return [pad, *styled] if align == "right" else [*styled, pad]


def _runs(text: Text) -> list[tuple[int, int, Style]]:
    cuts = sorted({0, len(text.plain), *(span.start for span in text.spans), *(span.end for span in text.spans)})
    runs = []
    for start, end in itertools.pairwise(cuts):
        style = Style.null()
        for span in text.spans:
            if span.start <= start and span.end >= end and isinstance(span.style, Style):
                style += span.style
        runs.append((start, end, style))
    return runs


def _age(at: int | None, now: int) -> Words:
    if at is None:
        return ""
    return when.span(now - at) if now - at >= when.SECOND else "0s"


def _due(at: int | None, now: int) -> Words:
    said = when.until(at, now)
    return Toned(said, "late") if said.startswith("late") else said


def _budget(cell: Budget, width: int, look: Look, now: int) -> Toned:
    share = cell.share(now)
    said = budget.percent(share).rjust(5)
    drawn = budget.bar(share, width - 5, ascii_only=look.ascii_only) if width >= 10 else ""
    return Toned(drawn + said, budget.budget_role(share, cell.warn_at))
