"""Files beside the database, each under the SHA-256 of what is in it: `attachments/ab/ab12…`.

They are written once and never changed. Every call but `path` may wait for the disk: run them in a thread.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Final

from trackdesk.store.errors import StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FOLDER: Final = "attachments"
KEPT_FREE: Final = 256 * 1_048_576
"""Bytes of the disk that files leave to the database."""
MOST_UPLOADS: Final = 16
_PART: Final = ".part"
_NAME: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_numbers: Final = count(1)


class Incoming:
    """A file that is being written, under a name of its own; nobody finds it until it is placed."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError."""
        self.path = folder / f"{os.getpid()}-{next(_numbers)}{_PART}"
        self.size = 0
        """Bytes so far."""
        self._digest = sha256()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(folder).free < KEPT_FREE:
                raise StorageFull(f"less than {KEPT_FREE // 1_048_576} MiB are free in {folder}")
            self._file = os.fdopen(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except OSError as error:
            raise _told(error, self.path) from error

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Raises StorageFull, StoreError."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _told(error, self.path) from error
        self._digest.update(data)
        self.size += len(data)

    def end(self) -> None:
        """On the disk when this returns. Raises StorageFull, StoreError."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _told(error, self.path) from error

    def discard(self) -> None:
        """As if it had never been; does nothing once it is placed."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Depot:
    """All files below `folder`, which is made when the first one comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uploads = asyncio.Semaphore(MOST_UPLOADS)
        """Those that are under way; the others wait with their bytes where they are."""
        self.lock = asyncio.Lock()
        """Held while a file and what the database says of it are changed together."""

    def path(self, digest: str) -> Path:
        """Raises ValueError for what is no SHA-256: it would be a way out of the folder."""
        if not is_digest(digest):
            raise ValueError(f"expected the SHA-256 of a file, not {digest[:80]!r}")
        return self.folder / digest[:2] / digest

    def begin(self) -> Incoming:
        """Raises StorageFull, StoreError."""
        return Incoming(self.folder)

    def place(self, incoming: Incoming) -> None:
        """Give a file that has ended its name, unless the same is there already. Raises StorageFull, StoreError."""
        target = self.path(incoming.sha256)
        try:
            if target.is_file() and target.stat().st_size == incoming.size:
                incoming.path.unlink()
                return
            if not target.parent.is_dir():
                target.parent.mkdir(mode=0o700)
                sync_folder(self.folder)
            incoming.path.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise _told(error, target) from error

    def remove(self, digests: Iterable[str]) -> int:
        """Those that are there; gives how many. Raises StoreError."""
        removed = 0
        for path in map(self.path, digests):
            try:
                path.unlink()
                removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _told(error, path) from error
        return removed

    def sweep_parts(self) -> int:
        """Files that were being written when a server ended; no other may run. Gives how many there were."""
        parts = list(self.folder.glob(f"*{_PART}"))
        for part in parts:
            part.unlink(missing_ok=True)
        return len(parts)

    def files(self) -> Iterator[Path]:
        """Every file under a name of ours."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            if is_digest(path.name) and path.name.startswith(path.parent.name):
                yield path


def is_digest(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def depot_of(database: Path) -> Depot:
    """The files that belong to a database."""
    return Depot(database.parent / FOLDER)


def sync_folder(folder: Path) -> None:
    """A new name is only safe from a power cut once the folder is on the disk; Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: OSError, path: Path) -> StoreError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull(f"no room for {path}: {error.strerror}")
    return StoreError(f"could not write {path}: {error.strerror}")
