"""Tables and facts on a terminal: aligned, cut to its width, and with nothing in them that a terminal would obey."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP = "  "
_LEAST = 8
_STYLES = {"bad": "31", "warn": "33", "good": "32", "dim": "2", "strong": "1"}


class Cell(NamedTuple):
    """A text and how it is meant: `bad`, `warn`, `good`, `dim`, `strong` or nothing."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """`shrinks`: is cut when the terminal is too narrow. `from_width`: left out on terminals narrower than that."""

    title: str
    right: bool = False
    shrinks: bool = False
    from_width: int = 0


def width() -> int | None:
    """The terminal's columns; None when stdout is no terminal, and nothing is cut."""
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """Safe as well, whoever wrote the text."""
    text = safe_text(text)
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and coloured() else text


def cells_of(text: str) -> int:
    """How many cells of a terminal a safe text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if _is_wide(char) else 1 for char in text)


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in {"W", "F"}


def cut(text: str, most: int) -> str:
    """At most that many cells, with an ellipsis where something is missing."""
    if cells_of(text) <= most:
        return text
    kept, used = "", 0
    for char in text:
        used += cells_of(char)
        if used > most - 1:
            break
        kept += char
    return kept + "…"


def lines(columns: Sequence[Column], rows: Iterable[Sequence[Cell | str]], limit: int | None) -> list[str]:
    """The table's lines, headings first, none wider than `limit` as far as shrinking columns allow."""
    shown = [index for index, column in enumerate(columns) if limit is None or limit >= column.from_width]
    columns = [columns[index] for index in shown]
    table = [[_safe(row[index]) for index in shown] for row in rows]
    widths = [
        max([len(column.title), *(cells_of(row[index].text) for row in table)]) for index, column in enumerate(columns)
    ]
    if limit is not None:
        _fit(columns, widths, limit)
    heading = [Cell(column.title, "dim") for column in columns]
    return [_line(columns, widths, row) for row in (heading, *table)]


def show(columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], empty: str) -> None:
    """Prints the table; `empty` goes to stderr instead when there are no rows."""
    if not rows:
        print(f"trackdesk: {safe_text(empty)}", file=sys.stderr)
        return
    for line in lines(columns, rows, width()):
        print(line)


def facts(pairs: Iterable[tuple[str, Cell | str | None]]) -> None:
    """Prints names and values, one a line; None is left out."""
    given = [(safe_text(name), _safe(value)) for name, value in pairs if value is not None]
    longest = max((len(name) for name, _ in given), default=0)
    for name, value in given:
        print(f"{paint(name.ljust(longest), 'dim')}{_GAP}{paint(value.text, value.style)}")


def heading(text: str) -> None:
    print(f"\n{paint(text, 'strong')}")


def _safe(cell: Cell | str) -> Cell:
    return Cell(safe_text(cell)) if isinstance(cell, str) else Cell(safe_text(cell.text), cell.style)


def _fit(columns: Sequence[Column], widths: list[int], limit: int) -> None:
    """Takes from the widest shrinking column until all fit, down to a few cells each."""
    while sum(widths) + len(_GAP) * (len(widths) - 1) > limit:
        able = [index for index, column in enumerate(columns) if column.shrinks and widths[index] > _LEAST]
        if not able:
            return
        widths[max(able, key=lambda index: widths[index])] -= 1


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[Cell]) -> str:
    parts = []
    for index, (column, most, cell) in enumerate(zip(columns, widths, row, strict=True)):
        text = cut(cell.text, most) if column.shrinks else cell.text
        space = " " * max(0, most - cells_of(text))
        painted = paint(text, cell.style)
        last = index == len(columns) - 1
        parts.append(space + painted if column.right else painted if last else painted + space)
    return _GAP.join(parts).rstrip()
