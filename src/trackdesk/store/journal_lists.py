"""Reading the journal: who changed what and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.incident import JournalEntry
from trackdesk.domain.page import Page, PageMeta, encode_cursor
from trackdesk.domain.topics import TOPICS
from trackdesk.store.conditions import Part, between, every, one_of
from trackdesk.store.keyset import Listed, Walk, page_of, read_position
from trackdesk.store.rows import JOURNAL_COLUMNS, journal_from

if TYPE_CHECKING:
    from trackdesk.domain.filters import JournalFilter
    from trackdesk.store.readers import Readers

WINDOW = 50_000
"""Rows of the journal that one page looks at when nothing but checking them tells which fit."""


async def page(readers: Readers, namespace_id: int, given: JournalFilter) -> Page[JournalEntry]:
    """Newest first. A page may be short, even empty, and still have a `next`: it looks at 50,000 rows at most, and the
    next one goes on from there."""
    start = read_position(given.cursor, "-seq", "i")
    residual = [
        one_of(column, values) for column, values in (("kind", given.kind), ("actor", given.actor)) if values
    ] + between("at", given.after, given.before)
    if not given.ref:
        residual += [one_of("topic", given.topic)] if given.topic else []
        return await _window(
            readers, namespace_id, residual, None if start is None else int(start[0] or 0), given.limit
        )
    space = Part("namespace_id = ?", (namespace_id,))
    walks = tuple(
        Walk(
            "journal INDEXED BY journal_by_ref",
            every([space, one_of("topic", [topic]), one_of("ref", [ref])]),
            ("seq",),
        )
        for topic in TOPICS
        if topic in (given.topic or TOPICS)
        for ref in dict.fromkeys(given.ref)
    )
    listed = Listed(JOURNAL_COLUMNS, walks, residual=tuple(residual))
    return await page_of(
        Page[JournalEntry],
        readers,
        listed,
        start,
        given.limit,
        "-seq",
        value=journal_from,
        position=lambda row: [row[0]],
    )


async def _window(
    readers: Readers, namespace_id: int, residual: list[Part], before: int | None, limit: int
) -> Page[JournalEntry]:
    oldest, newest = await bounds(readers)
    before = newest + 1 if before is None else before
    floor = max(before - WINDOW, oldest)
    where = every(
        [Part("seq < ? AND seq >= ?", (before, floor)), Part("+namespace_id = ?", (namespace_id,)), *residual]
    )
    rows: list[Any] = list(
        await readers.all(
            f"SELECT {JOURNAL_COLUMNS} FROM journal WHERE {where.sql} ORDER BY seq DESC LIMIT ?",
            (*where.params, limit + 1),
        )
    )
    shown = [journal_from(row) for row in rows[:limit]]
    following = None
    if len(rows) > limit:
        following = shown[-1].seq
    elif floor > oldest:
        following = floor
    cursor = encode_cursor("-seq", [following]) if following is not None else None
    meta = PageMeta.model_construct(limit=limit, next=cursor, total=None, total_capped=True)
    return Page[JournalEntry].model_construct(data=shown, meta=meta)


async def since(readers: Readers, namespace_id: int, seq: int, limit: int) -> list[JournalEntry]:
    """What came after `seq`, oldest first. Other namespaces' rows are stepped over, at most `limit` of the own ones
    are given."""
    rows = await readers.all(
        f"SELECT {JOURNAL_COLUMNS} FROM journal WHERE seq > ? AND +namespace_id = ? ORDER BY seq LIMIT ?",
        (seq, namespace_id, limit),
    )
    return [journal_from(row) for row in rows]


async def bounds(readers: Readers) -> tuple[int, int]:
    """The oldest and the newest sequence number that are kept; (0, 0) for an empty journal."""
    row = await readers.one("SELECT (SELECT min(seq) FROM journal), (SELECT max(seq) FROM journal)")
    return (row[0], row[1]) if row is not None and row[0] is not None else (0, 0)


async def resumable(readers: Readers) -> tuple[int, int]:
    """(from, to): whoever has heard everything up to a number between them, including both, can be told the rest."""
    row = await readers.one(
        "SELECT (SELECT value FROM facts WHERE name = 'journal_gap'), "
        "(SELECT seq FROM sqlite_sequence WHERE name = 'journal')"
    )
    assert row is not None, "a row of two values"
    return int(row[0] or 0), int(row[1] or 0)
