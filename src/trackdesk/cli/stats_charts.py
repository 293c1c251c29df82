"""Charts of `trackdesk stats`, in braille where the terminal can show it, else in ASCII."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from trackdesk.cli import times
from trackdesk.cli.table import paint
from trackdesk.domain.clock import SECOND
from trackdesk.widgets import when

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.domain.analytics import Bar, Stats

_HEIGHT: Final = 4
_AXIS: Final = 8
_WIDEST: Final = 160


def share(percent: float | None) -> str:
    """A share in at most six cells; `-` of nothing."""
    return "-" if percent is None else f"{percent:.3g}%"


def draw(found: Stats, columns: int) -> None:
    """Runs, how many of them missed or failed, and how long they took, over time."""
    rows = found.data
    _chart("runs", [float(row.count) for row in rows], columns, "", lambda value: f"{value:g}")
    _chart("missed or failed", [_problems(row.problems, row.count) for row in rows], columns, "bad", share)
    took = [None if row.p90 is None else row.p90 / SECOND for row in rows]
    _chart("p90", took, columns, "warn", lambda value: times.span(round(value * SECOND)))
    _times(found, columns)


def draw_bars(bars: Sequence[Bar], columns: int) -> None:
    """How many took how long, a line a range."""
    most = max((bar.count for bar in bars), default=0)
    full = "━" if _can_draw() else "#"
    room = max(min(columns, _WIDEST) - _AXIS - 14, 4)
    for bar in bars:
        label = "longer" if bar.to is None else f"to {times.span(bar.to)}"
        length = max(round(bar.count / most * room), 1) if bar.count else 0
        print(f"{label:>{_AXIS + 2}}  {paint(full * length, 'good')} {bar.count}")


def _problems(problems: int, count: int) -> float | None:
    return 100 * problems / count if count else None


def _chart(title: str, values: Sequence[float | None], columns: int, style: str, say: Callable[[float], str]) -> None:
    from trackdesk.widgets.braille import Scale, braille, plain

    print(paint(f"\n{title}", "dim"))
    cells = max(min(columns, _WIDEST) - _AXIS - 1, 4)
    scale = Scale.over(values)
    can_draw = _can_draw()
    wide = _stretched(values, 2 * cells if can_draw else cells)
    lines = (braille if can_draw else plain)(wide, cells, _HEIGHT, scale)
    for number, line in enumerate(lines):
        label = say(scale.high) if number == 0 else say(scale.low) if number == _HEIGHT - 1 else ""
        print(f"{paint(f'{label:>{_AXIS}}', 'dim')} {paint(line, style)}".rstrip())


def _stretched(values: Sequence[float | None], points: int) -> list[float | None]:
    """As many points as there is room for: values repeat, or the greatest of several stands for them."""
    count = len(values)
    if count <= points:
        return [values[index * count // points] for index in range(points)]
    found: list[float | None] = []
    for index in range(points):
        some = [v for v in values[index * count // points : (index + 1) * count // points] if v is not None]
        found.append(max(some, default=None))
    return found


def _times(found: Stats, columns: int) -> None:
    left, right = (when.day_clock(at, times.now()) for at in (found.meta.from_, found.meta.to))
    cells = max(min(columns, _WIDEST) - _AXIS - 1, 4)
    both = len(left) + len(right) < cells
    print(paint(f"{'':{_AXIS}} {left}{right:>{cells - len(left)}}" if both else f"{'':{_AXIS}} {left}", "dim"))


def _can_draw() -> bool:
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    return "utf" in encoding
