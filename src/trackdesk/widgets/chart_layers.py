"""What lies behind the lines of a chart: the band between two of them, and the times when an incident was open."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from trackdesk.domain.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.widgets.cell_grid import CellGrid
    from trackdesk.widgets.plot import Band, Span

_FILL, _ASCII_FILL = "⠌", ":"
_EDGE, _ASCII_EDGE = "┊", "|"
_RAIL, _ASCII_RAIL = "▔", "="


def lay_band(
    grid: CellGrid,
    band: Band,
    times: Sequence[int],
    limits: tuple[int, int],
    row_of: Callable[[float], int],
    *,
    ascii_only: bool,
) -> None:
    """Fill what lies between its two lines, in each column by the nearest of the times that are not too far."""
    if not times:
        return
    reach = max(limits[1] - limits[0], 1)
    far = max((times[-1] - times[0]) // max(len(times) - 1, 1), reach // max(grid.width, 1) + 1)
    for column in range(grid.width):
        at = limits[0] + reach * column // max(grid.width - 1, 1)
        near = _nearest(times, at)
        low, high = band.low[near], band.high[near]
        if low is None or high is None or abs(times[near] - at) > far:
            continue
        for row in range(row_of(high), row_of(low) + 1):
            grid.under(row, column, _ASCII_FILL if ascii_only else _FILL, band.role)


def lay_span(grid: CellGrid, span: Span, limits: tuple[int, int], *, ascii_only: bool) -> None:
    """A rail along the top with the name, and an edge where it began and ended within the time shown."""
    reach = max(limits[1] - limits[0], 1)
    end = limits[1] if span.end is None else span.end
    if end < limits[0] or span.start > limits[1]:
        return
    first, last = (round((at - limits[0]) / reach * (grid.width - 1)) for at in (span.start, end))
    for column, shown in ((first, span.start >= limits[0]), (last, span.end is not None and span.end <= limits[1])):
        for row in range(1, grid.height) if shown else ():
            grid.under(row, column, _ASCII_EDGE if ascii_only else _EDGE, span.role)
    first, last = max(first, 0), min(last, grid.width - 1)
    name = safe_text(span.name)
    if len(name) <= last - first:
        for column, char in enumerate(name, start=first):
            grid.under(0, column, char, span.role)
    for column in range(first, last + 1):
        grid.under(0, column, _ASCII_RAIL if ascii_only else _RAIL, span.role)


def _nearest(times: Sequence[int], at: int) -> int:
    after = bisect_left(times, at)
    if after == 0 or (after < len(times) and times[after] - at < at - times[after - 1]):
        return after
    return after - 1
