"""The folders of demos that were killed: a temporary database is nobody's any more once nobody serves it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX: Final = "trackdesk-demo-"
_NAME: Final = re.compile(_PREFIX + r"[a-z0-9_]+")
_MARK: Final = ".temporary"
"""A file in what may be removed: a folder that somebody chose to keep may have such a name too."""
_AGE: Final = 3600.0
"""Seconds; a demo that has just been started doesn't hold its lock yet."""


def temporary_folder() -> Path:
    """A new one, which a later demo may remove when this one can't."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (folder / _MARK).touch(mode=0o600)
    return folder


def remove_leftovers(database_in: Callable[[Path], Path]) -> list[Path]:
    """Remove what demos of the same user left behind over an hour ago; gives what is gone. Never raises for what
    the file system does. `database_in` says where in a folder the database lies."""
    from trackdesk.store.lock import read_lock

    try:
        found = sorted(Path(tempfile.gettempdir()).iterdir())
    except OSError:
        return []
    gone = []
    for folder in found:
        if _NAME.fullmatch(folder.name) and _is_ours_and_old(folder) and read_lock(database_in(folder)) is None:
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder)
    return gone


def _is_ours_and_old(folder: Path) -> bool:
    try:
        about, mark = folder.lstat(), (folder / _MARK).lstat()
    except OSError:
        return False
    ours = not hasattr(os, "getuid") or about.st_uid == mark.st_uid == os.getuid()
    return ours and stat.S_ISDIR(about.st_mode) and stat.S_ISREG(mark.st_mode) and time.time() - about.st_mtime > _AGE
