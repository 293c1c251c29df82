"""Times in which trackdesk could see nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx


def record(tx: Tx, from_at: int, until_at: int, reason: str) -> None:
    tx.execute("INSERT INTO blind_times (from_at, until_at, reason) VALUES (?, ?, ?)", (from_at, until_at, reason))


def was_blind(tx: Tx, at: int) -> bool:
    """Whether `at` (µs) lies in such a time."""
    return tx.one("SELECT 1 FROM blind_times WHERE from_at < ? AND until_at >= ? LIMIT 1", (at, at)) is not None


def forget_before(tx: Tx, at: int) -> None:
    tx.execute("DELETE FROM blind_times WHERE until_at < ?", (at,))
