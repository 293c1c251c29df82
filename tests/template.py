"""New databases: the schema is applied once a process, and what came of it copied from then on."""

from __future__ import annotations

import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from trackdesk.store.database import migrate, open_database


@cache
def _migrated() -> bytes:
    """The file that `migrate` leaves. Nothing in it but the time of its making depends on who asks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        with closing(open_database(path)) as connection:
            migrate(connection)
        return path.read_bytes()


def new_database(path: Path) -> Path:
    """A database of the present schema at `path`; the one that stands there already is left as it is."""
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(_migrated())
    return path
