"""The first answers to requests that carried an Idempotency-Key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import Conflict
from trackdesk.domain.once import KEPT_FOR

if TYPE_CHECKING:
    from trackdesk.domain.once import Once
    from trackdesk.store.writer import Tx


def recall(tx: Tx, once: Once) -> bytes | None:
    """The first answer (JSON), or None when this is the first time. Raises Conflict for another request."""
    row = tx.one(
        "SELECT fingerprint, answer FROM idempotency WHERE caller = ? AND key = ? AND created_at > ?",
        (once.caller, once.key, tx.now - KEPT_FOR),
    )
    if row is None:
        return None
    if row[0] != once.fingerprint:
        raise Conflict(
            f"The Idempotency-Key {once.key!r} was used for another request in the last 24 hours; choose a new one.",
            code="idempotency_key_reused",
        )
    answer: bytes = row[1]
    return answer


def peek(tx: Tx, once: Once) -> bytes | None:
    """The first answer that this key got, whatever the request was; None when this is the first time."""
    row = tx.one(
        "SELECT answer FROM idempotency WHERE caller = ? AND key = ? AND created_at > ?",
        (once.caller, once.key, tx.now - KEPT_FOR),
    )
    return None if row is None else bytes(row[0])


def remember(tx: Tx, once: Once, status: int, answer: bytes) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO idempotency (caller, key, fingerprint, status, answer, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (once.caller, once.key, once.fingerprint, status, answer, tx.now),
    )


def forget_old(tx: Tx, limit: int = 500) -> int:
    """Drops what is past its time, in small steps; gives how many went."""
    return tx.execute(
        "DELETE FROM idempotency WHERE (caller, key) IN "
        "(SELECT caller, key FROM idempotency WHERE created_at <= ? ORDER BY created_at LIMIT ?)",
        (tx.now - KEPT_FOR, limit),
    ).rowcount
