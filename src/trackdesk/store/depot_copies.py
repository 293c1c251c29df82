"""Files of attachments beside a backup of the database, and what doctor finds out about them."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from trackdesk.store.backup import open_reading
from trackdesk.store.depot import FOLDER, Depot, depot_of, is_digest, sync_folder
from trackdesk.store.errors import StorageFull, StoreError
from trackdesk.store.travelling import columns

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

_PIECE: Final = 1_048_576


class Copied(NamedTuple):
    """How many files are at the other place now and how many of them are new there, and the hashes of those that were
    not to be had: they are gone from the disk, or hold something else."""

    files: int
    new: int
    missing: list[str]


class Files(NamedTuple):
    """How the files of a database are: bytes and count of what attachments need, and what is wrong with the rest."""

    needed: int
    size: int
    missing: list[str]
    """Hashes of files that are not there, or are shorter or longer than they were."""
    unneeded: list[Path]
    unneeded_size: int


def beside(backup: Path) -> Depot:
    """The files that belong to a backup: `today.sqlite3.attachments`."""
    return Depot(backup.with_name(f"{backup.name}.{FOLDER}"))


def backup_files(database: Path, backup: Path) -> Copied:
    """After the database was copied: bring the files that the copy needs beside it, and take away what it needs no
    more. What is there already is not copied again, for files never change. Raises StoreError, StorageFull."""
    target = beside(backup)
    needed = needed_files(backup)
    copied = _copy(needed, depot_of(database), target)
    for path in list(target.files()):
        if path.name not in needed:
            path.unlink()
    return copied


def restore_files(backup: Path, database: Path) -> Copied:
    """After the database was put back: bring the files that it needs and that are not there. Nothing is taken away.
    Raises StoreError, StorageFull."""
    return _copy(needed_files(database), beside(backup), depot_of(database))


def needed_files(database: Path) -> dict[str, int]:
    """Bytes of the files that attachments need, by hash; of a database from before there were any: none."""
    with closing(open_reading(database)) as connection:
        return _needed(connection)


def _needed(connection: sqlite3.Connection) -> dict[str, int]:
    if not columns(connection, "attachments"):
        return {}
    return dict(connection.execute("SELECT DISTINCT sha256, size FROM attachments"))


def look(connection: sqlite3.Connection, database: Path) -> Files:
    needed, depot = _needed(connection), depot_of(database)
    present = {path.name: path for path in depot.files()}
    missing = [name for name, size in needed.items() if _size(present.get(name)) != size]
    unneeded = [path for name, path in present.items() if name not in needed]
    return Files(len(needed), sum(needed.values()), missing, unneeded, sum(_size(path) for path in unneeded))


def _size(path: Path | None) -> int:
    """-1 where there is none."""
    try:
        return -1 if path is None else path.stat().st_size
    except FileNotFoundError:
        return -1


def _copy(needed: dict[str, int], source: Depot, target: Depot) -> Copied:
    new, missing, touched = 0, [], set()
    for name, size in needed.items():
        if not is_digest(name):
            missing.append(name)
            continue
        place = target.path(name)
        if _size(place) == size:
            continue
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _copy_file(source.path(name), place):
                new += 1
                touched.add(place.parent)
            else:
                missing.append(name)
        except OSError as error:
            kind = StorageFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreError
            raise kind(f"could not copy an attachment to {place}: {error.strerror}") from error
    _sync({target.folder, *touched} if touched else ())
    return Copied(len(needed) - len(missing), new, missing)


def _sync(folders: Iterable[Path]) -> None:
    for folder in folders:
        sync_folder(folder)


def _copy_file(source: Path, target: Path) -> bool:
    """On the disk under its name when this returns true; false when there is no such file, or it is damaged."""
    part = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    digest = sha256()
    try:
        with source.open("rb") as reading, os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as writing:
            while piece := reading.read(_PIECE):
                digest.update(piece)
                writing.write(piece)
            writing.flush()
            os.fsync(writing.fileno())
        if digest.hexdigest() != target.name:
            return False
        part.replace(target)
    except FileNotFoundError:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True
