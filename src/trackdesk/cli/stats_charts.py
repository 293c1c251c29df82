"""Charts of the command line, in braille where the terminal can show it, else in ASCII."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from trackdesk.cli import times
from trackdesk.cli.table import Column, coloured, paint, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.analytics import Bar, Stats
    from trackdesk.widgets.plot import Chart

_LOW: Final = 5
_HIGH: Final = 11
_STYLES: Final = {"run": "good", "ok": "good", "new": "", "late": "warn", "fail": "bad", "dim": "dim"}
_AXIS: Final = 8
_BARS: Final = (Column("GROUP", shrinks=True), Column("TOOK", right=True), Column("RUNS", right=True))
WIDEST: Final = 160


def share(percent: float | None) -> str:
    """A share in at most six cells; `-` of nothing."""
    return "-" if percent is None else f"{percent:.3g}%"


def draw(found: Stats, columns: int) -> None:
    """Runs, how many of them missed or failed, and how long they took, over time."""
    from trackdesk.widgets.axes import NUMBERS
    from trackdesk.widgets.percentiles import percentile_lines
    from trackdesk.widgets.plot import Chart, Line

    at = [row.time for row in found.data]
    took = percentile_lines(found.data)
    columns = min(columns, WIDEST)
    # As wide as the one below is with the names of its lines.
    alone = columns - max(len(line.name) for line in took.lines)
    chart("runs", Chart(at, [Line("", [row.count for row in found.data], "run")], NUMBERS), alone, _LOW)
    problems = [_problems(row.problems, row.count) for row in found.data]
    chart("missed or failed", Chart(at, [Line("", problems, "fail")], NUMBERS._replace(say=share)), alone, _LOW)
    chart("how long they took", took, columns, _HIGH)


def draw_bars(bars: Sequence[Bar], columns: int) -> None:
    """How many took how long, a line a range."""
    most = max((bar.count for bar in bars), default=0)
    full = "━" if _can_draw() else "#"
    room = max(min(columns, WIDEST) - _AXIS - 14, 4)
    for bar in bars:
        label = _range(bar)
        length = max(round(bar.count / most * room), 1) if bar.count else 0
        print(f"{label:>{_AXIS + 2}}  {paint(full * length, 'good')} {bar.count}")


def show_bars(found: Stats) -> None:
    """The same as rows, also of each group; nothing when no bars were asked for."""
    grouped = found.meta.group_by != "none"
    rows = [
        ("(all others)" if total.rest else total.group or "", _range(bar), str(bar.count))
        for total in found.meta.totals
        for bar in total.histogram or ()
    ]
    if rows:
        print()
        first = 0 if grouped else 1
        show(_BARS[first:], [row[first:] for row in rows], "no bars")


def _range(bar: Bar) -> str:
    return "longer" if bar.to is None else f"to {times.span(bar.to)}"


def _problems(problems: int, count: int) -> float | None:
    return 100 * problems / count if count else None


def chart(title: str, lines: Chart, columns: int, rows: int) -> None:
    """One chart below its title, so many rows high."""
    from trackdesk.widgets.plot import Pen, draw

    print(f"\n{paint(title, 'dim')}")
    for row in draw(lines, columns, rows, Pen(coloured=coloured(), ascii_only=not _can_draw())):
        print("".join(paint(text, _STYLES[role]) for text, role, _ in row).rstrip())


def _can_draw() -> bool:
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    return "utf" in encoding
