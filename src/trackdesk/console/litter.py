"""Looks for garbage while nobody is at the keys: to look through all that lives takes long enough to be felt."""

import gc
from collections.abc import Callable
from time import monotonic

YOUNG = (700, 10)
"""Objects made since the last look at the youngest, and such looks until one at those that outlived one: two or three
milliseconds. With more of them there are fewer looks, and a tail of keys that wait ten times as long."""
_NEVER = 1_000_000
QUIET = 3.0
"""Seconds without a key after which nobody waits for one."""
EVERY = 30.0
"""Seconds from one look at everything to the next."""
AT_LATEST = 300.0
"""Seconds after which one comes also between two keys."""


class Litter:
    """Told of keys and seconds, it has the interpreter look at everything when that holds up nobody. The interpreter by
    itself did so every other second while runs came in by the hundred, for a tenth of a second each time."""

    def __init__(self, *, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._before = gc.get_threshold()
        self._touched_at = self._looked_at = now()

    def start(self) -> None:
        gc.set_threshold(*YOUNG, _NEVER)

    def stop(self) -> None:
        """Leave the interpreter as it was."""
        gc.set_threshold(*self._before)

    def touched(self) -> None:
        """A key was pressed, or the mouse moved."""
        self._touched_at = self._now()

    def tick(self) -> None:
        """A second passed."""
        now = self._now()
        since = now - self._looked_at
        if since > AT_LATEST or (since > EVERY and now - self._touched_at > QUIET):
            gc.collect()
            self._looked_at = self._now()

    @staticmethod
    def keep() -> None:
        """What there is now lives as long as the process, most of it: it is never looked at again."""
        gc.freeze()
