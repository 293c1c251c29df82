"""What is attached to incidents. The bytes are in `depot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from trackdesk.domain.attachment import Attachment
from trackdesk.domain.errors import NotFound
from trackdesk.domain.incident import incident_ref
from trackdesk.domain.page import Page
from trackdesk.store import incident_lists
from trackdesk.store.conditions import Part
from trackdesk.store.keyset import Listed, Walk, page_of, read_position

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from trackdesk.domain.filters import Listing
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx

_COLUMNS = "id, incident_id, name, size, sha256, author, created_at"


def _from(row: Any) -> Attachment:
    return Attachment.trusted(
        id=row[0], incident=row[1], name=row[2], size=row[3], sha256=row[4], author=row[5], created_at=row[6]
    )


def add(tx: Tx, incident_id: int, name: str, size: int, sha256: str, author: str) -> Attachment:
    row = tx.one(
        "INSERT INTO attachments (incident_id, name, size, sha256, author, created_at) VALUES (?, ?, ?, ?, ?, ?) "
        f"RETURNING {_COLUMNS}",
        (incident_id, name, size, sha256, author, tx.now),
    )
    tx.execute("DELETE FROM loose_files WHERE sha256 = ?", (sha256,))
    return _from(row)


def delete(tx: Tx, incident_id: int, attachment_id: int) -> Attachment:
    """Raises NotFound."""
    row = tx.one(
        f"DELETE FROM attachments WHERE id = ? AND incident_id = ? RETURNING {_COLUMNS}", (attachment_id, incident_id)
    )
    if row is None:
        raise _missing(incident_id, attachment_id)
    return _from(row)


def _missing(incident_id: int, attachment_id: int) -> NotFound:
    return NotFound(f"There is no attachment {attachment_id} on {incident_ref(incident_id)}.")


def count(tx: Tx, incident_id: int) -> int:
    row = tx.one("SELECT count(*) FROM attachments WHERE incident_id = ?", (incident_id,))
    return 0 if row is None else int(row[0])


def stored(tx: Tx) -> int:
    """Bytes of all files, each counted once."""
    row = tx.one("SELECT ifnull(sum(size), 0) FROM (SELECT DISTINCT sha256, size FROM attachments)")
    return 0 if row is None else int(row[0])


def is_stored(tx: Tx, sha256: str) -> bool:
    return tx.one("SELECT 1 FROM attachments WHERE sha256 = ? LIMIT 1", (sha256,)) is not None


def let_loose(tx: Tx, sha256: str) -> None:
    """The file may be on the disk from now on; see `loose`."""
    tx.execute("INSERT OR IGNORE INTO loose_files (sha256) VALUES (?)", (sha256,))


def loose(tx: Tx, limit: int) -> list[str]:
    """Files that no attachment needs and that may be on the disk. Those that are needed after all are settled."""
    tx.execute("DELETE FROM loose_files WHERE EXISTS (SELECT 1 FROM attachments a WHERE a.sha256 = loose_files.sha256)")
    return [row[0] for row in tx.all("SELECT sha256 FROM loose_files LIMIT ?", (limit,))]


def settle(tx: Tx, hashes: Iterable[str]) -> None:
    """What was loose has gone from the disk."""
    given = orjson.dumps(list(hashes)).decode()
    tx.execute("DELETE FROM loose_files WHERE sha256 IN (SELECT value FROM json_each(?))", (given,))


async def page(readers: Readers, namespace_id: int, incident_id: int, given: Listing) -> Page[Attachment]:
    """Oldest first. Raises NotFound, Invalid (`cursor`)."""
    start = read_position(given.cursor, "id", "i")
    await incident_lists.get(readers, namespace_id, incident_id)
    walk = Walk("attachments INDEXED BY attachments_by_incident", Part("incident_id = ?", (incident_id,)), ("id",))
    listed = Listed(_COLUMNS, (walk,), descending=False)
    return await page_of(
        Page[Attachment], readers, listed, start, given.limit, "id", value=_from, position=lambda row: [row[0]]
    )


async def get(readers: Readers, namespace_id: int, incident_id: int, attachment_id: int) -> Attachment:
    """Raises NotFound."""
    await incident_lists.get(readers, namespace_id, incident_id)
    row = await readers.one(
        f"SELECT {_COLUMNS} FROM attachments WHERE id = ? AND +incident_id = ?", (attachment_id, incident_id)
    )
    if row is None:
        raise _missing(incident_id, attachment_id)
    return _from(row)
