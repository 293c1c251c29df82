"""Reading incidents, their comments and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import NotFound
from trackdesk.domain.filters import IncidentFilter
from trackdesk.domain.incident import Comment, Incident, JournalEntry, incident_ref
from trackdesk.domain.page import Page
from trackdesk.store.conditions import Part
from trackdesk.store.incident_plans import ORDERS, plan_incidents, wanted_incidents
from trackdesk.store.keyset import (
    Listed,
    Walk,
    empty_page,
    make_page,
    page_of,
    read_position,
    rows_of,
    split_sort,
    total_of,
)
from trackdesk.store.routing import routing
from trackdesk.store.rows import (
    COMMENT_COLUMNS,
    INCIDENT_COLUMNS,
    JOURNAL_COLUMNS,
    comment_from,
    incident_from,
    journal_from,
)

if TYPE_CHECKING:
    from trackdesk.domain.filters import Listing
    from trackdesk.store.readers import Readers

__all__ = ["comments", "get", "ids_matching", "page", "routing", "timeline"]

_WIDTH = INCIDENT_COLUMNS.count(",") + 1


async def page(readers: Readers, namespace_id: int, given: IncidentFilter, now: int) -> Page[Incident]:
    """Raises Invalid (`q`, `cursor`)."""
    order = ORDERS[split_sort(given.sort)[0]]
    start = read_position(given.cursor, given.sort, "i" * len(order))
    wanted = await wanted_incidents(readers, namespace_id, given, now)
    if wanted.nothing:
        return empty_page(Page[Incident], given.limit)
    listed = await plan_incidents(readers, wanted, given.sort)
    return make_page(
        Page[Incident],
        await rows_of(readers, listed, start, given.limit + 1),
        given.limit,
        given.sort,
        value=incident_from,
        position=lambda row: list(row[_WIDTH:]),
        total=(None, True) if wanted.cut else await total_of(readers, listed),
    )


async def ids_matching(readers: Readers, namespace_id: int, q: str, now: int, limit: int) -> list[int]:
    """The newest `limit` incidents that `q` lets through. Raises Invalid (`q`)."""
    given = IncidentFilter(q=q)
    wanted = await wanted_incidents(readers, namespace_id, given, now)
    if wanted.nothing:
        return []
    listed = await plan_incidents(readers, wanted, given.sort)
    return [row[0] for row in await rows_of(readers, listed, None, limit)]


async def get(readers: Readers, namespace_id: int, incident_id: int) -> Incident:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = ? AND +namespace_id = ?", (incident_id, namespace_id)
    )
    if row is None:
        raise NotFound(f"There is no incident {incident_ref(incident_id)}.")
    return incident_from(row)


async def comments(readers: Readers, namespace_id: int, incident_id: int, given: Listing) -> Page[Comment]:
    """Oldest first. Raises NotFound."""
    start = read_position(given.cursor, "id", "i")
    await get(readers, namespace_id, incident_id)
    walk = Walk("comments INDEXED BY comments_by_incident", Part("incident_id = ?", (incident_id,)), ("id",))
    listed = Listed(COMMENT_COLUMNS, (walk,), descending=False)
    return await page_of(
        Page[Comment], readers, listed, start, given.limit, "id", value=comment_from, position=lambda row: [row[0]]
    )


async def timeline(readers: Readers, namespace_id: int, incident_id: int, given: Listing) -> Page[JournalEntry]:
    """Its journal, oldest first; it is kept when the incident is deleted. Raises NotFound."""
    start = read_position(given.cursor, "seq", "i")
    ref = Part("namespace_id = ? AND topic = 'incidents' AND ref = ?", (namespace_id, str(incident_id)))
    listed = Listed(JOURNAL_COLUMNS, (Walk("journal INDEXED BY journal_by_ref", ref, ("seq",)),), descending=False)
    rows = await rows_of(readers, listed, start, given.limit + 1)
    if not rows:
        await get(readers, namespace_id, incident_id)
    return make_page(
        Page[JournalEntry],
        rows,
        given.limit,
        "seq",
        value=journal_from,
        position=lambda row: [row[0]],
        total=await total_of(readers, listed),
    )
