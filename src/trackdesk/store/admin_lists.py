"""Reading keys and departments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import NotFound
from trackdesk.domain.identity import Key
from trackdesk.domain.notification import Department
from trackdesk.domain.page import Page
from trackdesk.store.conditions import Part, one_of
from trackdesk.store.keyset import Listed, Walk, page_of, read_position
from trackdesk.store.rows import DEPARTMENT_COLUMNS, KEY_COLUMNS, department_from, key_from

if TYPE_CHECKING:
    from trackdesk.domain.filters import KeyFilter, Listing
    from trackdesk.store.readers import Readers


async def keys(readers: Readers, namespace_id: int, given: KeyFilter) -> Page[Key]:
    """By name; the owner key is in no table."""
    start = read_position(given.cursor, "name", "s")
    roles = [one_of("role", [str(each) for each in given.role])] if given.role else []
    walk = Walk("keys", Part("namespace_id = ?", (namespace_id,)), ("name",))
    listed = Listed(KEY_COLUMNS, (walk,), residual=tuple(roles), descending=False)
    return await page_of(
        Page[Key], readers, listed, start, given.limit, "name", value=key_from, position=lambda row: [row[1]]
    )


async def departments(readers: Readers, namespace_id: int, given: Listing) -> Page[Department]:
    """By id."""
    start = read_position(given.cursor, "id", "s")
    listed = Listed(
        DEPARTMENT_COLUMNS,
        (Walk("departments", Part("namespace_id = ?", (namespace_id,)), ("id",)),),
        descending=False,
    )
    return await page_of(
        Page[Department],
        readers,
        listed,
        start,
        given.limit,
        "id",
        value=department_from,
        position=lambda row: [row[0]],
    )


async def department(readers: Readers, namespace_id: int, department_id: str) -> Department:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {DEPARTMENT_COLUMNS} FROM departments WHERE namespace_id = ? AND id = ?", (namespace_id, department_id)
    )
    if row is None:
        raise NotFound(f"There is no department {department_id}.")
    return department_from(row)
