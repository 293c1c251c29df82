"""The columns of a table as data, and which of them a terminal has room for."""

from collections.abc import Sequence
from dataclasses import dataclass

from trackdesk.widgets.cells import Align

GAP = 2
"""Blank cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    """Names the cell in a row, and the field in `SortRequested`."""
    title: str
    width: int
    """Cells; of a flexible column, the least it is shown with."""
    flex: int = 0
    """The column's share of what is left over; 0 keeps it at `width`."""
    align: Align = "left"
    priority: int = 1
    """When room is short, the column with the highest number goes first; those of priority 0 never go."""
    sortable: bool = False
    most: int = 0
    """The most cells a flexible column takes; 0 is no limit."""
    quiet: bool = False
    """What it says moves all the time: that alone does not mark a row as changed."""


def fit(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit into `width` cells, in order, each with its width.

    Of equal priority, the rightmost goes first. A narrow one that went stands where a broad one left room for it. What
    is left over goes to the flexible columns by share.
    """
    kept = _kept(columns, width)
    spare = max(width - _needed(kept), 0)
    widths = {column.key: column.width for column in kept}
    growing = [column for column in kept if column.flex]
    while spare and growing:
        shares = sum(column.flex for column in growing)
        grown = 0
        for column in growing:
            more = max(spare * column.flex // shares, 1)
            if column.most:
                more = min(more, column.most - widths[column.key])
            more = min(max(more, 0), spare - grown)
            widths[column.key] += more
            grown += more
        growing = [column for column in growing if not column.most or widths[column.key] < column.most]
        spare -= grown
        if not grown:
            break
    return [(column, widths[column.key]) for column in kept]


def _kept(columns: Sequence[Column], width: int) -> list[Column]:
    kept = list(columns)
    gone: list[Column] = []
    while len(kept) > 1 and _needed(kept) > width:
        least = max(range(len(kept)), key=lambda at: (kept[at].priority, at))
        if kept[least].priority == 0:
            break
        gone.append(kept.pop(least))
    for column in reversed(gone):
        if _needed([*kept, column]) <= width:
            kept.append(column)
    return [column for column in columns if column in kept]


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
