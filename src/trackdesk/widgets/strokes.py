"""Lines drawn in braille dots at once: for charts that move while one looks, where plotext takes too long."""

from collections.abc import Iterable, Sequence

from trackdesk.widgets.cell_grid import CellGrid
from trackdesk.widgets.glyphs import Role

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))

_BLANK = 0x2800

Point = tuple[float, float]
"""Where a value stands: shares of the width from the left and of the height from the foot, each 0 to 1."""


def stroke(grid: CellGrid, points: Iterable[Point | None], role: Role, *, plain: str = "") -> None:
    """A connected line over `grid`; None interrupts it. With `plain`, that character in place of dots."""
    across, up = (1, 1) if plain else (2, 4)
    columns, lines = grid.width * across, grid.height * up
    lit: dict[tuple[int, int], int] = {}
    before: tuple[int, int] | None = None
    for point in points:
        here = None
        if point is not None:
            here = (round(point[0] * (columns - 1)), lines - 1 - round(min(max(point[1], 0), 1) * (lines - 1)))
            for x, y in _between(before or here, here):
                cell = (y // up, x // across)
                lit[cell] = lit.get(cell, 0) | _DOTS[x % across][y % up]
        before = here
    for (row, column), bits in lit.items():
        # Where lines cross, both are seen.
        there = ord(grid.char(row, column) or " ") - _BLANK
        grid.put(row, column, plain or chr(_BLANK + (bits | there if 0 < there < 256 else bits)), role)


def _between(start: tuple[int, int], end: tuple[int, int]) -> Sequence[tuple[int, int]]:
    """All dots from one to another, both included."""
    (x, y), (to_x, to_y) = start, end
    steps = max(abs(to_x - x), abs(to_y - y))
    return [(x + (to_x - x) * n // steps, y + (to_y - y) * n // steps) for n in range(steps + 1)] if steps else [end]
