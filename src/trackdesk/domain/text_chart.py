"""A chart made of characters, for texts that are read anywhere: columns of blocks, the threshold drawn through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 60
HEIGHT: Final = 8
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_STEPS: Final = len(_BLOCKS) - 1
_LABEL: Final = 10


def text_chart(
    values: Sequence[float | None],
    *,
    threshold: float | None = None,
    marks: Sequence[tuple[float, str]] = (),
    ends: tuple[str, str] = ("", ""),
    width: int = WIDTH,
    height: int = HEIGHT,
) -> list[str]:
    """Lines of `values`, the oldest left; a gap where one is None. `marks`: where along the time (0 to 1) a letter
    stands below, under the one before it where both are in one cell; `ends`: what the ends of the time are called.
    Without any value there are no lines."""
    columns = _columns(values, width)
    known = [value for value in columns if value is not None]
    if not known:
        return []
    low, high = _scale(known, threshold)
    limit = None if threshold is None else height - 1 - int(_share(threshold, low, high) * height * 0.999)
    lines = []
    for row in range(height):
        cells = [_cell(value, low, high, height - 1 - row, height) for value in columns]
        if row == limit:
            cells = ["╌" if cell == " " else cell for cell in cells]
        lines.append(f"{_label(row, height, limit, low, high, threshold):>{_LABEL}} ┤{''.join(cells)}".rstrip())
    left, right = ends
    lines.append(f"{'':>{_LABEL}} └{'─' * width}")
    lines += [f"{'':>{_LABEL}}  {''.join(row)}".rstrip() for row in _marks(marks, width)]
    lines.append(f"{'':>{_LABEL}}  {left}{right:>{max(width - len(left), len(right) + 1)}}".rstrip())
    return lines


def _marks(marks: Sequence[tuple[float, str]], width: int) -> list[list[str]]:
    """Rows of cells; letters that share a cell stand below each other, none is covered."""
    rows: list[list[str]] = []
    for share, letter in marks:
        if 0 <= share <= 1:
            at = min(int(share * width), width - 1)
            row = next((row for row in rows if row[at] == " "), None)
            if row is None:
                row = [" "] * width
                rows.append(row)
            row[at] = letter
    return rows


def _columns(values: Sequence[float | None], width: int) -> list[float | None]:
    """A value for each column: the mean of those that fall into it, or the one that covers it."""
    columns: list[float | None] = []
    for column in range(width):
        first = column * len(values) // width
        some = values[first : max((column + 1) * len(values) // width, first + 1)]
        known = [value for value in some if value is not None]
        columns.append(sum(value / len(known) for value in known) if known else None)
    return columns


def _scale(known: list[float], threshold: float | None) -> tuple[float, float]:
    """From nought, or the least value where that is below, to the greatest, with room above the threshold."""
    also = [] if threshold is None else [threshold]
    low, high = min(0.0, *known, *also), max(0.0, *known, *also)
    return (low, high) if high > low else (low, low + 1)


def _share(value: float, low: float, high: float) -> float:
    """From 0 to 1; halves first, for the distance of the ends may be more than a number can say."""
    return (value / 2 - low / 2) / (high / 2 - low / 2)


def _cell(value: float | None, low: float, high: float, line: int, height: int) -> str:
    """One character; a value that is there has at least the lowest block."""
    if value is None:
        return " "
    filled = max(round(_share(value, low, high) * height * _STEPS), 1) - line * _STEPS
    return _BLOCKS[min(max(filled, 0), _STEPS)]


def _label(row: int, height: int, limit: int | None, low: float, high: float, threshold: float | None) -> str:
    if row == limit and threshold is not None:
        return f"{threshold:.4g}"
    if row == 0:
        return f"{high:.4g}"
    return f"{low:.4g}" if row == height - 1 else ""
