"""Namespaces by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackdesk.store.readers import Readers


async def find(readers: Readers, name: str) -> int | None:
    row = await readers.one("SELECT id FROM namespaces WHERE name = ?", (name,))
    return None if row is None else int(row[0])
