"""The stretch of time that charts show: how long it is, where it ends, and the ways to change that."""

from typing import NamedTuple

from trackdesk.widgets import when

LENGTHS: tuple[tuple[str, int], ...] = (
    ("1h", when.HOUR),
    ("3h", 3 * when.HOUR),
    ("6h", 6 * when.HOUR),
    ("12h", 12 * when.HOUR),
    ("24h", when.DAY),
    ("3d", 3 * when.DAY),
    ("7d", 7 * when.DAY),
    ("14d", 14 * when.DAY),
    ("30d", 30 * when.DAY),
)
NAMES = tuple(name for name, _ in LENGTHS)
_BY_NAME = dict(LENGTHS)


class Window(NamedTuple):
    """All instants µs UTC."""

    name: str = "1h"
    """One of `NAMES`."""
    end: int | None = None
    """None follows the present."""

    @property
    def length(self) -> int:
        return _BY_NAME[self.name]

    @property
    def follows(self) -> bool:
        return self.end is None

    def limits(self, now: int) -> tuple[int, int]:
        """From when to when."""
        end = now if self.end is None else self.end
        return end - self.length, end

    def zoomed(self, name: str, now: int) -> "Window":
        """As long as `name` says, about the same middle; what follows goes on following."""
        if self.end is None:
            return Window(name)
        return _held(Window(name, self.end - self.length // 2 + _BY_NAME[name] // 2), now)

    def moved(self, by: int, now: int) -> "Window":
        """Earlier (below 0) or later by so many µs. Past the present it follows it again."""
        end = now if self.end is None else self.end
        return _held(Window(self.name, end + by), now)

    def showing(self, at: int, now: int) -> "Window":
        """Moved just so far that the instant is in sight, with a little room beside it."""
        start, end = self.limits(now)
        room = self.length // 12
        if at < start:
            return self.moved(at - start - room, now)
        return self.moved(at - end + room, now) if at > end else self


def _held(window: Window, now: int) -> Window:
    """There is nothing to see past the present."""
    return Window(window.name) if window.end is None or window.end >= now else window
