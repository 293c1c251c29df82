"""What this user's console remembers from one time to the next: when it was left, and how things stood then."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from trackdesk.screens.desk import Left

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "console.json"
_KEPT = 50


class Memory:
    """A small file; one that is lost or broken only means that nothing is remembered."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def left(self, place: str) -> Left | None:
        """How things stood when the console over `place` was last closed."""
        known = self._read().get(place)
        try:
            return None if known is None else Left(**{name: int(known[name]) for name in Left._fields})
        except (KeyError, TypeError, ValueError):
            return None

    def leave(self, place: str, left: Left) -> None:
        known = {name: value for name, value in self._read().items() if name != place}
        known = dict(list(known.items())[-_KEPT + 1 :])
        known[place] = left._asdict()
        passing = self._path.with_name(f"{FILE_NAME}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            passing.write_text(json.dumps(known), "utf-8")
            passing.replace(self._path)
        except OSError:
            # A full or read-only disk: next time the Overview tells of the last 24 hours instead.
            passing.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
