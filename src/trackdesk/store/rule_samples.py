"""The stored samples that a rule looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from trackdesk.domain.rule_replay import Past
from trackdesk.store.conditions import Part, among, every
from trackdesk.store.series import SERIES_FROM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from trackdesk.domain.rule import Rule
    from trackdesk.store.readers import Readers

_SLICES = 1024
"""Into which the time is cut; each step back takes in twice as many as the one before."""

_CHUNK = 2000
"""Rows given at once."""


async def fitting_series(readers: Readers, namespace_id: int, rule: Rule, limit: int) -> dict[int, str]:
    """The services of the series that fit the rule, by the series' id: at most `limit`."""
    parts = [Part("s.namespace_id = ? AND s.metric_type = ?", (namespace_id, rule.metric_type))]
    if rule.service is not None:
        parts.append(Part("v.name = ?", (rule.service,)))
    parts += [
        Part("EXISTS (SELECT 1 FROM json_each(s.tags) t WHERE t.key = ? AND t.value = ?)", pair)
        for pair in rule.tags.items()
    ]
    where = every(parts)
    rows = await readers.all(
        f"SELECT s.id, v.name FROM {SERIES_FROM} WHERE {where.sql} ORDER BY s.id LIMIT ?", (*where.params, limit)
    )
    return {row[0]: row[1] for row in rows}


async def windows(
    readers: Readers, since: Mapping[int, int], up_to: int
) -> AsyncIterator[list[tuple[int, int, int, float]]]:
    """(series id, sample id, time, value) of the samples of each series later than its instant (µs), with ids up to
    `up_to`: series by series, each by time, some at once."""
    async with readers.connection() as connection:
        rows = await connection.execute(
            "SELECT m.series_id, m.id, m.recorded_at, m.value FROM json_each(?) j "
            "CROSS JOIN samples m INDEXED BY samples_by_series "  # which has them in this order
            "ON m.series_id = CAST(j.key AS INTEGER) AND m.recorded_at > j.value WHERE m.id <= ?",
            (orjson.dumps(since, option=orjson.OPT_NON_STR_KEYS).decode(), up_to),
        )
        try:
            while found := await rows.fetchmany(_CHUNK):
                yield [(row[0], row[1], row[2], row[3]) for row in found]
        finally:
            await rows.close()


async def newest(readers: Readers, series_ids: Collection[int], since: int, until: int, limit: int) -> list[Past]:
    """The last `limit` samples from `since` to `until` (µs, both inclusive), in order of time and arrival.

    Read backwards in growing steps, so that it costs what it gives and not what is stored.
    """
    wanted = among("series_id", series_ids)
    pieces: list[list[Past]] = []
    left, end, width = limit, until + 1, max((until - since) // _SLICES, 1)
    while left > 0 and end > since:
        start = max(end - width, since)
        rows = await readers.all(
            "SELECT recorded_at, id, series_id, value FROM samples INDEXED BY samples_by_series "
            f"WHERE {wanted.sql} AND recorded_at >= ? AND recorded_at < ? "
            "ORDER BY recorded_at DESC, id DESC LIMIT ?",
            (*wanted.params, start, end, left),
        )
        pieces.append([Past(*row) for row in rows])
        left, end, width = left - len(rows), start, width * 2
    return [sample for piece in reversed(pieces) for sample in reversed(piece)]
