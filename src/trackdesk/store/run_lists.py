"""Reading runs: a page of them, or one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import NotFound
from trackdesk.domain.page import Page
from trackdesk.domain.run import Run
from trackdesk.store.conditions import Part
from trackdesk.store.keyset import Position, empty_page, make_page, read_position, rows_of, total_of
from trackdesk.store.rows import RUN_COLUMNS, RUN_FROM, run_from
from trackdesk.store.run_plans import plan_runs
from trackdesk.store.run_wanted import wanted_runs

if TYPE_CHECKING:
    from trackdesk.domain.filters import RunFilter
    from trackdesk.domain.run import RunAddress
    from trackdesk.store.readers import Readers
    from trackdesk.store.run_plans import Plan

_WIDTH = RUN_COLUMNS.count(",") + 1


async def page(readers: Readers, namespace_id: int, given: RunFilter, now: int) -> Page[Run]:
    """Runs without a value to sort by come last, both ways. `total` is None where it would take checking many rows
    one by one, and where a search finds more than it looks at. Raises Invalid (`q`, `sort`, `cursor`)."""
    start = read_position(given.cursor, given.sort, "iii")
    wanted = await wanted_runs(readers, namespace_id, given, now)
    plan = await plan_runs(readers, wanted, given.sort)
    if wanted.nothing:
        return empty_page(Page[Run], given.limit)
    rows = await _rows(readers, plan, start, given.limit + 1)
    cut = any(found.cut for found in wanted.found)
    return make_page(
        Page[Run],
        rows,
        given.limit,
        given.sort,
        value=lambda row: run_from(row[1]),
        position=_position,
        total=(None, True) if cut else await total_of(readers, plan.counted),
    )


async def _rows(readers: Readers, plan: Plan, start: Position | None, limit: int) -> list[tuple[int, Any]]:
    """Rows with the part of the list they come from: 0 with a value, 1 without."""
    rows: list[tuple[int, Any]] = []
    if start is None or start[0] == 0:
        at = None if start is None else start[1:]
        rows = [(0, row) for row in await rows_of(readers, plan.values, at, limit)]
        start = None
    if plan.nulls is not None and len(rows) < limit:
        at = None
        if start is not None and plan.nulls.walks:
            at = start[3 - len(plan.nulls.walks[0].order) :]
        rows += [(1, row) for row in await rows_of(readers, plan.nulls, at, limit - len(rows))]
    return rows


def _position(row: tuple[int, Any]) -> Position:
    part, values = row
    keys = list(values[_WIDTH:])
    return [part, *([0] * (2 - len(keys))), *keys]


async def get(readers: Readers, namespace_id: int, address: RunAddress) -> Run:
    """Raises NotFound."""
    return run_from(await _row(readers, namespace_id, address, RUN_COLUMNS))


async def seq_of(readers: Readers, namespace_id: int, address: RunAddress) -> int:
    """The row number of a run. Raises NotFound."""
    return int((await _row(readers, namespace_id, address, "r.seq"))[0])


_OF_KEY = (
    "runs x WHERE x.process_id = (SELECT id FROM processes WHERE namespace_id = ? AND name = ?) "
    "AND x.namespace_id = ? AND x.id = ?"
)
_BY_UID = "r.uid = ? AND r.namespace_id = ?"
_BY_ATTEMPT = f"r.seq = (SELECT x.seq FROM {_OF_KEY} AND x.attempt = ?)"
_ACTIVE_ELSE_NEWEST = (
    f"r.seq = coalesce((SELECT x.seq FROM {_OF_KEY} AND x.status = 'ACTIVE'), "
    f"(SELECT x.seq FROM {_OF_KEY} ORDER BY x.attempt DESC LIMIT 1))"
)


def _where(namespace_id: int, address: RunAddress) -> Part:
    if address.uid is not None:
        return Part(_BY_UID, (address.uid, namespace_id))
    key = (namespace_id, address.process, namespace_id, address.id)
    if address.attempt is not None:
        return Part(_BY_ATTEMPT, (*key, address.attempt))
    return Part(_ACTIVE_ELSE_NEWEST, (*key, *key))


async def _row(readers: Readers, namespace_id: int, address: RunAddress, columns: str) -> Any:
    where = _where(namespace_id, address)
    row = await readers.one(f"SELECT {columns} FROM {RUN_FROM} WHERE {where.sql}", where.params)
    if row is None:
        raise NotFound(f"There is no run {address}.")
    return row
