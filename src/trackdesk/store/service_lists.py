"""Reading services: what was set, what they send, and how well they are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.domain.metric_filters import SERVICE_FIELDS
from trackdesk.domain.page import Page
from trackdesk.domain.q import FieldKind, parse
from trackdesk.domain.service import NO_DATA_AFTER, Health, Service, health
from trackdesk.store.conditions import (
    Part,
    Terms,
    any_of,
    column_term,
    contains,
    either,
    every,
    meet,
    negate,
    one_of,
    words_of,
)
from trackdesk.store.keyset import make_page, read_position, split_sort

if TYPE_CHECKING:
    from trackdesk.domain.metric_filters import ServiceFilter
    from trackdesk.domain.q import Term
    from trackdesk.store.readers import Readers

_INCIDENTS = (
    "incidents i INDEXED BY incidents_open_by_service WHERE i.namespace_id = v.namespace_id AND i.service = v.name "
    "AND i.service IS NOT NULL AND i.status <> 'CLOSED'"
)
_CRITICAL = f"(SELECT count(*) FROM {_INCIDENTS} AND i.severity_rank = 3)"
_OPEN = f"(SELECT count(*) FROM {_INCIDENTS})"
_LAST = (
    "(SELECT max((SELECT max(l.recorded_at) FROM samples l INDEXED BY samples_by_series WHERE l.series_id = s.id)) "
    "FROM series s WHERE s.service_id = v.id)"
)
_TYPES = "(SELECT json_group_array(DISTINCT s.metric_type) FROM series s WHERE s.service_id = v.id)"
_COLUMNS = (
    f"v.name, v.description, v.department, v.depends_on, v.created_at, v.updated_at, v.version, {_OPEN}, {_CRITICAL}, "
    f"{_LAST}, {_TYPES}"
)
_WIDTH = 11
_RANKS = (Health.DOWN, Health.DEGRADED, Health.NO_DATA, Health.OK)


_RANK = (
    f"CASE WHEN EXISTS (SELECT 1 FROM {_INCIDENTS} AND i.severity_rank = 3) THEN 0 "
    f"WHEN EXISTS (SELECT 1 FROM {_INCIDENTS}) THEN 1 "
    f"WHEN ifnull({_LAST}, 0) <= (SELECT at FROM silent) THEN 2 ELSE 3 END"
)
"""The place of a service's health among `_RANKS`, as `domain.service.health` decides it."""
_SILENT = "WITH silent (at) AS (VALUES (?)) "
"""What is without a sample since then (µs) has no data."""


async def page(readers: Readers, namespace_id: int, given: ServiceFilter, now: int) -> Page[Service]:
    """`now` µs."""
    column, down = split_sort(given.sort)
    start = read_position(given.cursor, given.sort, "s" if column == "name" else "is")
    where = _condition(namespace_id, given, now)
    keys = ("v.name",) if column == "name" else (_RANK, "v.name")
    shown = where
    if start is not None:
        marks = ", ".join("?" * len(keys))
        shown = every([where, Part(f"({', '.join(keys)}) {'<' if down else '>'} ({marks})", tuple(start))])
    order = ", ".join(f"{key} {'DESC' if down else 'ASC'}" for key in keys)
    rows = await readers.all(
        f"{_SILENT}SELECT {_COLUMNS}, {', '.join(keys)} FROM services v WHERE {shown.sql} ORDER BY {order} LIMIT ?",
        (now - NO_DATA_AFTER, *shown.params, given.limit + 1),
    )
    total = await readers.one(
        f"{_SILENT}SELECT count(*) FROM services v WHERE {where.sql}", (now - NO_DATA_AFTER, *where.params)
    )
    return make_page(
        Page[Service],
        rows,
        given.limit,
        given.sort,
        value=lambda row: _service(row, now),
        position=lambda row: list(row[_WIDTH:]),
        total=(total[0] if total is not None else 0, False),
    )


async def get(readers: Readers, namespace_id: int, name: str, now: int) -> Service:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {_COLUMNS} FROM services v WHERE v.namespace_id = ? AND v.name = ?", (namespace_id, name)
    )
    if row is None:
        raise NotFound(f"There is no service {name!r}.")
    return _service(row, now)


def _condition(namespace_id: int, given: ServiceFilter, now: int) -> Part:
    terms = Terms(parse(given.q, SERVICE_FIELDS) if given.q else (), SERVICE_FIELDS, now)
    words, without = terms.words()
    parts = [Part("v.namespace_id = ?", (namespace_id,))]
    states = meet([str(each) for each in given.health] or None, terms.choice("health"))
    if given.department:
        parts.append(one_of("v.department", given.department))
    of_type = terms.take("metric_type")
    narrow, loose = terms.parts({"name": "v.name", "department": "v.department", "sample": _LAST})
    parts += narrow + loose
    parts += [any_of(group, partial(_sends, now=now)) for group in of_type]
    parts += [_has(word) for word in (*words, *words_of(given.search or ""))]
    parts += [negate(_has(word)) for word in without]
    if states is not None:
        parts.append(one_of(_RANK, [_RANKS.index(Health(each)) for each in states]))
    return every(parts)


def _sends(term: Term, now: int) -> Part:
    part = column_term("s.metric_type", term, FieldKind.TEXT, now)
    return Part(f"EXISTS (SELECT 1 FROM series s WHERE s.service_id = v.id AND {part.sql})", part.params)


def _has(word: str) -> Part:
    return either(contains(f"ifnull({column}, '')", word) for column in ("v.name", "v.description"))


def _service(row: Any, now: int) -> Service:
    """Of `_COLUMNS`."""
    return Service.trusted(
        name=row[0],
        health=health(now, row[9], row[7], row[8]),
        description=row[1],
        department=row[2],
        depends_on=orjson.loads(row[3]),
        metric_types=sorted(orjson.loads(row[10])),
        last_sample_at=row[9],
        open_incidents=row[7],
        created_at=row[4],
        updated_at=row[5],
        version=row[6],
    )


async def count_samples(readers: Readers, namespace_id: int, name: str) -> int:
    """Of a service that there may be; 0 when there is none."""
    row = await readers.one(
        "SELECT count(*) FROM services v JOIN series s ON s.service_id = v.id "
        "CROSS JOIN samples m INDEXED BY samples_by_series ON m.series_id = s.id "
        "WHERE v.namespace_id = ? AND v.name = ?",
        (namespace_id, name),
    )
    return 0 if row is None else int(row[0])
