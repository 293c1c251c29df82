"""Lists read along an index: where a page begins, what it holds, how many there are.

A list is one or more *walks*: each reads one index in its order from one place on, and SQLite merges them as it goes,
so that "any of" costs no sorting. The position of a row is the sort's columns, the last of which is unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from trackdesk.domain.errors import Invalid
from trackdesk.domain.page import COUNT_CAP, Page, PageMeta, decode_cursor, encode_cursor
from trackdesk.store.conditions import Part, every

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.store.readers import Readers

CHECKED = 3000
"""So many rows are looked at one by one to count those that a residual lets through."""

T = TypeVar("T")

Position = list[int | str | None]


@dataclass(frozen=True, slots=True)
class Walk:
    """`source` is a FROM text that pins the index, `where` the columns it begins with, `order` those it runs along.
    `lean` is a FROM text that is enough to count it. `sorted_by`: no index has the order, so rows are sorted, by this
    unique column alone until it is known which are given: carrying whole rows through a sort takes twice as long."""

    source: str
    where: Part
    order: tuple[str, ...]
    lean: str = ""
    sorted_by: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list reads: `columns` from each walk and `join`, as far as `within` (bounds along the order) and
    `residual` (checked row by row) hold."""

    columns: str
    walks: tuple[Walk, ...]
    join: str = ""
    within: tuple[Part, ...] = ()
    residual: tuple[Part, ...] = ()
    descending: bool = True


def page_sql(listed: Listed, position: Position | None, limit: int) -> Part:
    """Rows of `columns` and then the order's columns, from behind `position` on."""
    way, than = ("DESC", "<") if listed.descending else ("ASC", ">")
    texts: list[str] = []
    params: list[object] = []
    for walk in listed.walks:
        parts = [walk.where, *listed.within, *listed.residual]
        if position is not None:
            marks = ", ".join("?" * len(walk.order))
            parts.append(Part(f"({', '.join(walk.order)}) {than} ({marks})", tuple(position)))
        where = every(parts)
        if walk.sorted_by:
            order = ", ".join(f"{column} {way}" for column in walk.order)
            first = f"FROM {walk.source} {listed.join} WHERE {where.sql} ORDER BY {order} LIMIT ?"
            where = Part(f"{walk.sorted_by} IN (SELECT {walk.sorted_by} {first})", (*where.params, limit))
        keys = ", ".join(f"{column} AS k{index}" for index, column in enumerate(walk.order))
        texts.append(f"SELECT {listed.columns}, {keys} FROM {walk.source} {listed.join} WHERE {where.sql}")
        params += where.params
    order = ", ".join(f"k{index} {way}" for index in range(len(listed.walks[0].order)))
    return Part(f"{' UNION ALL '.join(texts)} ORDER BY {order} LIMIT ?", (*params, limit))


def count_sql(listed: Listed, walk: Walk, cap: int) -> Part:
    """Counts at most `cap` entries of the walk: (those that the residual lets through, all)."""
    where, residual = every([walk.where, *listed.within]), every(listed.residual)
    source = walk.source if listed.residual or not walk.lean else walk.lean
    inner = f"SELECT ({residual.sql}) AS fits FROM {source} WHERE {where.sql} LIMIT ?"
    return Part(
        f"SELECT count(CASE WHEN fits THEN 1 END), count(*) FROM ({inner})", (*residual.params, *where.params, cap)
    )


async def rows_of(readers: Readers, listed: Listed, position: Position | None, limit: int) -> list[Any]:
    if not listed.walks or limit < 1:
        return []
    query = page_sql(listed, position, limit)
    return list(await readers.all(query.sql, query.params))


async def total_of(readers: Readers, listed: Listed) -> tuple[int | None, bool]:
    """The total and whether it is capped: (None, True) where telling would take checking too many rows."""
    cap = CHECKED if listed.residual else COUNT_CAP
    fitting = seen = 0
    for walk in listed.walks:
        query = count_sql(listed, walk, cap + 1 - seen)
        row = await readers.one(query.sql, query.params)
        assert row is not None
        fitting, seen = fitting + row[0], seen + row[1]
        if seen > cap:
            return (COUNT_CAP, True) if fitting > COUNT_CAP else (None, True)
    return fitting, False


async def at_most(readers: Readers, walks: Sequence[Walk], most: int) -> bool:
    """Whether the walks have no more than `most` rows together; looks at one more than that at the most."""
    seen = 0
    for walk in walks:
        query = count_sql(Listed("", (walk,)), walk, most + 1 - seen)
        row = await readers.one(query.sql, query.params)
        seen += row[1] if row is not None else 0
        if seen > most:
            return False
    return True


def make_page(
    kind: type[Page[T]],
    rows: Sequence[Any],
    limit: int,
    sort: str,
    *,
    value: Callable[[Any], T],
    position: Callable[[Any], Position],
    total: tuple[int | None, bool],
) -> Page[T]:
    """The page of `rows`, of which one more than `limit` was asked for."""
    shown = rows[:limit]
    following = encode_cursor(sort, position(shown[-1])) if len(rows) > limit else None
    meta = PageMeta.model_construct(limit=limit, next=following, total=total[0], total_capped=total[1])
    return kind.model_construct(data=[value(row) for row in shown], meta=meta)


async def page_of(
    kind: type[Page[T]],
    readers: Readers,
    listed: Listed,
    start: Position | None,
    limit: int,
    sort: str,
    *,
    value: Callable[[Any], T],
    position: Callable[[Any], Position],
) -> Page[T]:
    """The page of `listed` behind `start`."""
    rows = await rows_of(readers, listed, start, limit + 1)
    total = await total_of(readers, listed)
    return make_page(kind, rows, limit, sort, value=value, position=position, total=total)


def empty_page(kind: type[Page[T]], limit: int) -> Page[T]:
    meta = PageMeta.model_construct(limit=limit, next=None, total=0, total_capped=False)
    return kind.model_construct(data=[], meta=meta)


def read_position(cursor: str | None, sort: str, shape: str) -> Position | None:
    """Where `cursor` stands. `shape` has a letter a value: `i` an integer, `n` an integer or null, `s` text, `t` text
    or null. Raises Invalid (`cursor`)."""
    if cursor is None:
        return None
    position = decode_cursor(cursor, sort, len(shape))
    for value, letter in zip(position, shape, strict=True):
        if not (value is None if letter in "nt" else False) and not isinstance(value, int if letter in "in" else str):
            raise Invalid("cursor", "expected a cursor from `meta.next` of this list", cursor)
    return position


def split_sort(sort: str) -> tuple[str, bool]:
    """The column's name, and whether it runs down."""
    return sort.removeprefix("-"), sort.startswith("-")
