"""Secrets that live in a file of their own, readable by the owner of the process only."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The contents of `path`; where there is no such file, `make()` is written to it first.

    Processes that start together end up with the same contents. Raises OSError.
    """
    found = read(path)
    if found is not None:
        return found
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_whole(path, make())
    found = read(path)
    if found is None:
        raise FileNotFoundError(f"{path} vanished as it was made")
    return found


def read(path: Path) -> bytes | None:
    """The contents, None without a file; a file that others may read is made private first. Raises OSError."""
    try:
        mode = path.stat().st_mode
        if os.name != "nt" and mode & 0o077:
            log.warning("%s could be read by other users; its mode is 0600 now", path)
            path.chmod(0o600)
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write_whole(path: Path, contents: bytes) -> None:
    """Never leaves half a file, and never replaces one that another process was faster to make."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from the start
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
