"""One server a database: a lock on `PATH.lock`, in which the holder says who it is and where it listens."""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from trackdesk.store.errors import DatabaseLocked, StoreError

_PATIENCE = 0.5  # seconds; someone who only looks whether the lock is held holds it for an instant
_RETRY = 0.01
_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)

if sys.platform == "win32":
    import msvcrt

    _BYTE = 1 << 30  # Windows forbids reading a locked byte, so the one locked lies far behind the text

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    _is_free = _try_lock
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_free(descriptor: int) -> bool:
        """Asked with a shared lock, so that those who only look aren't holders to one another."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class LockInfo:
    """The running server; what it hasn't said yet is None."""

    pid: int | None
    url: str | None


def lock_path(database: Path) -> Path:
    """Where the lock of a database lies."""
    return database.with_name(database.name + ".lock")


def read_lock(database: Path) -> LockInfo | None:
    """Who serves the database now; None when nobody does, whatever a dead server left in the file."""
    try:
        descriptor = os.open(lock_path(database), _FLAGS)
    except OSError:
        return None
    try:
        if _is_free(descriptor):
            return None
        return _read(descriptor)
    finally:
        os.close(descriptor)


class ServerLock:
    """Held from `acquire` to `release`, or to the end of the process, however it ends."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises `DatabaseLocked` naming the holder, `StoreError` when the file can't be made."""
        path = lock_path(self._database)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        except (FileExistsError, NotADirectoryError) as error:
            raise StoreError(f"could not open {path}: {path.parent} is no directory") from error
        except OSError as error:
            raise StoreError(f"could not open {path}: {error.strerror}") from error
        until = time.monotonic() + _PATIENCE
        while not _try_lock(descriptor):
            if time.monotonic() >= until:
                holder = _read(descriptor)
                os.close(descriptor)
                raise DatabaseLocked(self._database, holder.pid)
            time.sleep(_RETRY)
        self._descriptor = descriptor
        self._write({"pid": os.getpid(), "url": None})

    def publish(self, url: str) -> None:
        """Say where the server listens."""
        self._write({"pid": os.getpid(), "url": url})

    def release(self) -> None:
        """Let others have it. The file stays: removing it would let two servers lock two files of the same name."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        os.ftruncate(descriptor, 0)
        os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _write(self, said: dict[str, object]) -> None:
        if self._descriptor is None:
            raise StoreError(f"the lock on {self._database} is not held")
        text = json.dumps(said).encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text)
        os.ftruncate(self._descriptor, len(text))


def _read(descriptor: int) -> LockInfo:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 4096).decode("utf-8", "replace")
    try:
        said, _ = json.JSONDecoder().raw_decode(text)  # a reader between write and truncate sees an old tail
    except ValueError:
        return LockInfo(None, None)
    if not isinstance(said, dict):
        return LockInfo(None, None)
    pid, url = said.get("pid"), said.get("url")
    return LockInfo(pid if isinstance(pid, int) else None, url if isinstance(url, str) else None)
