"""The rows of a list as far as they are loaded: keyed, diffed, marked; the selection is a key, never a position."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trackdesk.widgets.cells import Cell, moves, says

MAX_ROWS = 10_000
"""Rows kept at most. A person who scrolls further wants a filter."""


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    cells: Mapping[str, Cell]
    data: object = field(default=None, compare=False)
    """Whatever the screen wants back when the row is acted on."""


class Rows:
    """Loaded rows, versions for the paint cache, cursor and marks. Pure: knows nothing of a terminal."""

    def __init__(self) -> None:
        self.loaded: list[Row] = []
        self.more = False
        """Whether the server has rows after the last loaded one."""
        self.cursor: str | None = None
        self.marks: set[str] = set()
        self.range_from: str | None = None
        self._positions: dict[str, int] | None = {}
        self._versions: dict[str, int] = {}
        self._said: dict[str, tuple[object, ...]] = {}
        self._count = itertools.count(1)

    def __len__(self) -> int:
        return len(self.loaded)

    @property
    def full(self) -> bool:
        return len(self.loaded) >= MAX_ROWS

    def position(self, key: str | None) -> int | None:
        if self._positions is None:
            self._positions = {row.key: at for at, row in enumerate(self.loaded)}
        return None if key is None else self._positions.get(key)

    def get(self, key: str | None) -> Row | None:
        at = self.position(key)
        return None if at is None else self.loaded[at]

    def version(self, key: str) -> int:
        return self._versions.get(key, 0)

    # -- changes ---------------------------------------------------------------------------------------------------

    def replace(self, rows: Iterable[Row], *, more: bool) -> set[str]:
        """Take a fresh first part of the list. Gives the keys that say something new, of rows that were there before.

        Cursor and marks stay with their keys; when the cursor's row is gone, the row in its place takes over.
        """
        before = {row.key: row for row in self.loaded}
        place = self.position(self.cursor)
        self.loaded = _unique(rows)[:MAX_ROWS]
        self.more = more
        self._positions = None
        changed = {row.key for row in self.loaded if row.key in before and before[row.key] != row}
        for row in self.loaded:
            if row.key not in before or row.key in changed:
                self._touch(row.key)
        self._forget(set(before) - {row.key for row in self.loaded})
        self._settle(place)
        return changed

    def append(self, rows: Iterable[Row], *, more: bool) -> int:
        """Take the next part of the list; rows that came in live meanwhile are not shown twice."""
        fresh = [row for row in _unique(rows) if self.position(row.key) is None][: MAX_ROWS - len(self.loaded)]
        self.loaded += fresh
        self.more = more
        self._positions = None
        for row in fresh:
            self._touch(row.key)
        self._settle(None)
        return len(fresh)

    def insert(self, rows: Iterable[Row]) -> int:
        """Put new rows at the top. Past `MAX_ROWS` the oldest go."""
        fresh = [row for row in _unique(rows) if self.position(row.key) is None]
        self.loaded[:0] = fresh
        dropped = self.loaded[MAX_ROWS:]
        del self.loaded[MAX_ROWS:]
        self.more = self.more or bool(dropped)
        self._positions = None
        for row in fresh:
            self._touch(row.key)
        self._forget({row.key for row in dropped})
        self._settle(None)
        return len(fresh)

    def update(self, row: Row) -> int | None:
        """Put `row` in the place of the one with its key; its position, or None when nothing changed."""
        at = self.position(row.key)
        if at is None:
            return None
        same = self.loaded[at] == row
        self.loaded[at] = row
        if same:
            return None
        self._touch(row.key)
        return at

    def remove(self, key: str) -> int | None:
        at = self.position(key)
        if at is None:
            return None
        place = self.position(self.cursor)
        del self.loaded[at]
        self._positions = None
        self._forget({key})
        self._settle(place)
        return at

    def clear(self) -> None:
        self.replace([], more=False)
        self.cursor = None

    def tick(self, first: int, last: int, now: int) -> list[int]:
        """Positions in `first` … `last` whose words differ from those of the last tick."""
        changed: list[int] = []
        for at in range(max(first, 0), min(last + 1, len(self.loaded))):
            row = self.loaded[at]
            said = tuple(says(cell, now) for cell in row.cells.values() if moves(cell))
            if said and self._said.get(row.key) != said:
                self._said[row.key] = said
                self._touch(row.key)
                changed.append(at)
        return changed

    def _touch(self, key: str) -> None:
        # Counted over all rows, so that a row which left and came back never meets its old strips.
        self._versions[key] = next(self._count)

    def _forget(self, keys: set[str]) -> None:
        self.marks -= keys
        if self.range_from in keys:
            self.range_from = None
        for key in keys:
            self._said.pop(key, None)
            self._versions.pop(key, None)

    def _settle(self, place: int | None) -> None:
        if not self.loaded:
            self.cursor = None
        elif self.position(self.cursor) is None:
            self.cursor = self.loaded[min(place or 0, len(self.loaded) - 1)].key

    # -- selection -------------------------------------------------------------------------------------------------

    def marked(self) -> list[str]:
        """Marked keys in the order of the list, those of an unfinished range among them."""
        held = self.marks | self.in_range()
        return [row.key for row in self.loaded if row.key in held] if held else []

    def targets(self) -> list[str]:
        """What an action is about: the marked rows, else the one under the cursor."""
        return self.marked() or ([self.cursor] if self.cursor is not None else [])

    def is_marked(self, at: int) -> bool:
        return self.loaded[at].key in self.marks or at in self._range()

    def in_range(self) -> set[str]:
        return {self.loaded[at].key for at in self._range()}

    def _range(self) -> range:
        start, end = self.position(self.range_from), self.position(self.cursor)
        return range(0) if start is None or end is None else range(min(start, end), max(start, end) + 1)

    def toggle_mark(self, key: str) -> None:
        self.marks ^= {key}

    def toggle_range(self) -> None:
        """Begin a range at the cursor, or keep what the one begun holds."""
        if self.range_from is None:
            self.range_from = self.cursor
        else:
            self.marks |= self.in_range()
            self.range_from = None

    def clear_marks(self) -> bool:
        """Drop an unfinished range, else all marks. Whether there was anything to drop."""
        if self.range_from is not None:
            self.range_from = None
            return True
        had = bool(self.marks)
        self.marks.clear()
        return had


def _unique(rows: Iterable[Row]) -> list[Row]:
    return list({row.key: row for row in rows}.values())
