"""Times in which trackdesk could see nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.expectation import Blind

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx

RESTORED = "restored"
"""The fact that this database was put in the place of another: the last instant (µs) of which it knows."""


def take_restored(tx: Tx) -> int | None:
    """What that fact says, once."""
    row = tx.one("DELETE FROM facts WHERE name = ? RETURNING CAST(value AS INTEGER)", (RESTORED,))
    return None if row is None else int(row[0])


def record(tx: Tx, from_at: int, until_at: int, reason: str) -> None:
    tx.execute("INSERT INTO blind_times (from_at, until_at, reason) VALUES (?, ?, ?)", (from_at, until_at, reason))


def was_blind(tx: Tx, at: int) -> bool:
    """Whether `at` (µs) lies in such a time."""
    return tx.one("SELECT 1 FROM blind_times WHERE from_at < ? AND until_at >= ? LIMIT 1", (at, at)) is not None


def touched(tx: Tx, from_at: int, until_at: int) -> bool:
    """Whether any such time lies in those (µs)."""
    return (
        tx.one("SELECT 1 FROM blind_times WHERE from_at < ? AND until_at > ? LIMIT 1", (until_at, from_at)) is not None
    )


def since(tx: Tx, at: int) -> list[Blind]:
    """Those that end behind `at` (µs)."""
    return [Blind(*row) for row in tx.all("SELECT from_at, until_at FROM blind_times WHERE until_at > ?", (at,))]


def heard_since(tx: Tx, at: int, now: int) -> int:
    """Whoever was last heard at `at` can be called silent only from here on: what it sent in such a time is lost."""
    row = tx.one("SELECT max(until_at) FROM blind_times WHERE until_at > ? AND until_at <= ?", (at, now))
    return at if row is None or row[0] is None else int(row[0])


def set_back(tx: Tx, now: int) -> None:
    """The clock went back to `now`: what lies ahead is no longer past, and will be seen."""
    tx.execute("DELETE FROM blind_times WHERE from_at >= ?", (now,))
    tx.execute("UPDATE blind_times SET until_at = ? WHERE until_at > ?", (now, now))


def forget_before(tx: Tx, at: int) -> None:
    tx.execute("DELETE FROM blind_times WHERE until_at < ?", (at,))
