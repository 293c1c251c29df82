"""Reading samples as lists: the newest of many series, and the last of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.filters import tag_pair
from trackdesk.domain.metric import Sample
from trackdesk.domain.metric_filters import SAMPLE_FIELDS
from trackdesk.domain.page import COUNT_CAP, Page
from trackdesk.domain.q import FieldKind, Op, parse
from trackdesk.store.conditions import (
    Part,
    Terms,
    any_of,
    between,
    contains,
    either,
    every,
    instant_term,
    negate,
    words_of,
)
from trackdesk.store.keyset import make_page, read_position
from trackdesk.store.samples import LAST_OF_SERIES
from trackdesk.store.series import SERIES_FROM, conditions

if TYPE_CHECKING:
    from trackdesk.domain.metric_filters import LatestFilter, SampleFilter
    from trackdesk.domain.q import Term
    from trackdesk.store.readers import Readers

_OF_SERIES = "samples m INDEXED BY samples_by_series WHERE"
_COLUMNS = "m.id, v.name, s.metric_type, m.value, m.recorded_at, s.tags"


async def page(readers: Readers, namespace_id: int, given: SampleFilter, now: int) -> Page[Sample]:
    """Newest first by their own time. `now` µs.

    The page's samples are of the series whose newest ones are newest: one look into each series finds these `heads`.
    None of the page's samples is older than the last of them (`floor`), or than as many of its series as the page has
    rows (`begins`).
    """
    start = read_position(given.cursor, "-recorded_at", "ii")
    series, times = _conditions(namespace_id, given, now)
    times += between("m.recorded_at", given.from_, given.to)
    total = await _count(readers, every(series), every(times))
    if start is not None:
        times.append(Part("(m.recorded_at, m.id) < (?, ?)", tuple(start)))
    which, within = every(series), every(times)
    wanted = given.limit + 1
    rows = await readers.all(
        "WITH heads (id, at) AS MATERIALIZED (SELECT s.id, h.recorded_at "
        f"FROM {SERIES_FROM} JOIN samples h ON h.id = (SELECT m.id FROM {_OF_SERIES} m.series_id = s.id "
        f"AND {within.sql} ORDER BY m.recorded_at DESC, m.id DESC LIMIT 1) WHERE {which.sql} "
        "ORDER BY h.recorded_at DESC, h.id DESC LIMIT ?), "
        "floor (at) AS MATERIALIZED (SELECT CASE WHEN count(*) = ? THEN min(at) ELSE 0 END FROM heads), "
        "begins (id, at) AS MATERIALIZED (SELECT heads.id, ifnull((SELECT m.recorded_at "
        f"FROM {_OF_SERIES} m.series_id = heads.id AND m.recorded_at >= floor.at AND {within.sql} "
        "ORDER BY m.recorded_at DESC LIMIT 1 OFFSET ?), floor.at) FROM floor CROSS JOIN heads) "
        f"SELECT {_COLUMNS} FROM begins CROSS JOIN series s ON s.id = begins.id CROSS JOIN services v "
        "ON v.id = s.service_id CROSS JOIN samples m INDEXED BY samples_by_series "
        f"ON m.series_id = begins.id AND m.recorded_at >= begins.at AND {within.sql} "
        "ORDER BY m.recorded_at DESC, m.id DESC LIMIT ?",
        (*within.params, *which.params, wanted, wanted, *within.params, given.limit, *within.params, wanted),
    )
    return make_page(
        Page[Sample],
        rows,
        given.limit,
        "-recorded_at",
        value=_sample,
        position=lambda row: [row[4], row[0]],
        total=total,
    )


async def _count(readers: Readers, series: Part, times: Part) -> tuple[int, bool]:
    row = await readers.one(
        f"SELECT count(*) FROM (SELECT 1 FROM {SERIES_FROM} CROSS JOIN samples m INDEXED BY samples_by_series "
        f"ON m.series_id = s.id AND {times.sql} WHERE {series.sql} LIMIT ?)",
        (*times.params, *series.params, COUNT_CAP + 1),
    )
    found = 0 if row is None else row[0]
    return min(found, COUNT_CAP), found > COUNT_CAP


async def latest(readers: Readers, namespace_id: int, given: LatestFilter, now: int) -> Page[Sample]:
    """The last sample of each series that has any, by service, metric type and tags. `now` µs."""
    start = read_position(given.cursor, "series", "sss")
    series, times = _conditions(namespace_id, given, now)
    where = every([*series, *times])
    source = f"{SERIES_FROM} JOIN samples m ON m.id = {LAST_OF_SERIES}"
    total = await readers.one(
        f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where.sql} LIMIT ?)", (*where.params, COUNT_CAP + 1)
    )
    if start is not None:
        where = every([where, Part("(v.name, s.metric_type, s.tags) > (?, ?, ?)", tuple(start))])
    rows = await readers.all(
        f"SELECT {_COLUMNS} FROM {source} WHERE {where.sql} ORDER BY v.name, s.metric_type, s.tags LIMIT ?",
        (*where.params, given.limit + 1),
    )
    found = 0 if total is None else total[0]
    return make_page(
        Page[Sample],
        rows,
        given.limit,
        "series",
        value=_sample,
        position=lambda row: [row[1], row[2], row[5]],
        total=(min(found, COUNT_CAP), found > COUNT_CAP),
    )


def _conditions(namespace_id: int, given: LatestFilter, now: int) -> tuple[list[Part], list[Part]]:
    """On `SERIES_FROM`, and on samples `m`."""
    terms = Terms(parse(given.q, SAMPLE_FIELDS) if given.q else (), SAMPLE_FIELDS, now)
    words, without = terms.words()
    parts = conditions(namespace_id, given.service, given.metric_type, [tag_pair(each) for each in given.tag])
    parts += [any_of(group, _tag) for group in terms.take("tag")]
    recorded = [
        negate(part) if term.negated else part
        for group in terms.take("recorded")
        for term in group
        for part in [instant_term("m.recorded_at", term, FieldKind.AGE, now)]
    ]
    narrow, loose = terms.parts({"service": "v.name", "metric_type": "s.metric_type"})
    parts += narrow + loose
    parts += [_has(word) for word in (*words, *words_of(given.search or ""))]
    parts += [negate(_has(word)) for word in without]
    return parts, recorded


def _tag(term: Term) -> Part:
    value = "(SELECT t.value FROM json_each(s.tags) t WHERE t.key = ?)"
    if term.op is not Op.PREFIX:
        return Part(f"{value} = ?", (term.key, term.value))
    text = str(term.value)
    return Part(f"substr({value}, 1, ?) = ?", (term.key, len(text), text))


def _has(word: str) -> Part:
    return either(contains(column, word) for column in ("v.name", "s.metric_type", "s.tags"))


def _sample(row: Any) -> Sample:
    """Of `_COLUMNS`."""
    return Sample.trusted(
        id=row[0], service=row[1], metric_type=row[2], value=row[3], recorded_at=row[4], tags=orjson.loads(row[5])
    )
