"""How large the steps of work are that others wait behind: as large as fits into a few milliseconds."""

from __future__ import annotations

from typing import Final

TARGET: Final = 0.003
"""Seconds that a step may keep the writer."""
MOST: Final = 500
"""Rows of one step."""


class Pace:
    """How many rows of one kind a step takes, by how long the last ones took."""

    def __init__(self, size: int = 20) -> None:
        self.size = size

    def learn(self, count: int, seconds: float) -> None:
        """A step over `count` rows took `seconds`."""
        if seconds > TARGET:
            self.size = max(1, int(count * TARGET / seconds))
        elif count >= self.size:
            self.size = min(MOST, self.size + self.size // 4 + 1)
