"""What a reader has read: everything up to a mark but for exceptions, and single notifications beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.writer import Tx


def check_visible(tx: Tx, namespace_id: int, departments: Sequence[str], notification_id: int) -> None:
    """Raises NotFound for what is in no inbox, or in those of other departments; no departments: all of them."""
    row = tx.one(
        "SELECT department FROM notifications WHERE id = ? AND namespace_id = ? AND in_inbox = 1",
        (notification_id, namespace_id),
    )
    if row is None or (departments and row[0] not in departments):
        raise NotFound(f"There is no notification {notification_id} in your inbox.")


def read(tx: Tx, reader: str, namespace_id: int, notification_id: int) -> None:
    """The first reading counts."""
    tx.execute("DELETE FROM notification_unreads WHERE reader = ? AND notification_id = ?", (reader, notification_id))
    if notification_id > _mark(tx, reader, namespace_id):
        tx.execute(
            "INSERT OR IGNORE INTO notification_reads (reader, notification_id, read_at) VALUES (?, ?, ?)",
            (reader, notification_id, tx.now),
        )


def unread(tx: Tx, reader: str, namespace_id: int, notification_id: int) -> None:
    tx.execute("DELETE FROM notification_reads WHERE reader = ? AND notification_id = ?", (reader, notification_id))
    if notification_id <= _mark(tx, reader, namespace_id):
        tx.execute(
            "INSERT OR IGNORE INTO notification_unreads (reader, notification_id) VALUES (?, ?)",
            (reader, notification_id),
        )


def read_all(tx: Tx, reader: str, namespace_id: int) -> None:
    """Move the mark to the newest notification; single marks up to it say nothing any more."""
    row = tx.one("SELECT max(id) FROM notifications WHERE namespace_id = ? AND in_inbox = 1", (namespace_id,))
    if row is None or row[0] is None:
        return
    tx.execute(
        "INSERT INTO inbox_marks (reader, namespace_id, up_to, read_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (reader, namespace_id) DO UPDATE SET up_to = excluded.up_to, read_at = excluded.read_at",
        (reader, namespace_id, row[0], tx.now),
    )
    for table in ("notification_reads", "notification_unreads"):
        tx.execute(
            f"DELETE FROM {table} WHERE reader = ? AND notification_id <= ? AND EXISTS "
            f"(SELECT 1 FROM notifications n WHERE n.id = {table}.notification_id AND n.namespace_id = ?)",
            (reader, row[0], namespace_id),
        )


def forget_key(tx: Tx, key_id: int) -> None:
    """Drop the marks of everybody who read with a key that is gone; readers are `KEY:PERSON`."""
    for table in ("notification_reads", "notification_unreads", "inbox_marks"):
        tx.execute(f"DELETE FROM {table} WHERE reader >= ? AND reader < ?", (f"{key_id}:", f"{key_id};"))


def _mark(tx: Tx, reader: str, namespace_id: int) -> int:
    row = tx.one("SELECT up_to FROM inbox_marks WHERE reader = ? AND namespace_id = ?", (reader, namespace_id))
    return 0 if row is None else int(row[0])
