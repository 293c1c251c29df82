"""Series: what makes samples belong together, found or made by what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import Conflict
from trackdesk.domain.metric import MAX_SERIES, Series, SeriesKey
from trackdesk.store import services
from trackdesk.store.conditions import Part, among, every, one_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx

SERIES_COLUMNS = "s.id, s.namespace_id, s.service_id, v.name, s.metric_type, s.tags"
SERIES_FROM = "series s JOIN services v ON v.id = s.service_id"
Known = dict[SeriesKey, Series]


def series_from(row: Any) -> Series:
    """Of `SELECT SERIES_COLUMNS FROM SERIES_FROM`."""
    return Series(row[0], row[1], row[2], row[3], row[4], orjson.loads(row[5]))


def known(tx: Tx, namespace_id: int) -> Known:
    """Those that the writer remembers, by what they are."""
    of_all: dict[int, Known] = tx.cache.setdefault("series", {})
    found = of_all.get(namespace_id)
    if found is None:
        found = of_all[namespace_id] = {}
    return found


def find_or_make(tx: Tx, namespace_id: int, keys: Collection[SeriesKey], actor: str) -> None:
    """Let the writer know the series of `keys`; those that are not there yet are made, and so are their services.

    Raises Conflict `too_many`, and then has written nothing.
    """
    remembered = known(tx, namespace_id)
    missing = {key for key in keys if key not in remembered}
    _look_up(tx, namespace_id, missing, remembered)
    missing -= remembered.keys()
    if not missing:
        return
    counts = tx.cache.setdefault("series_counts", {})
    if namespace_id not in counts:
        row = tx.one("SELECT count(*) FROM series WHERE namespace_id = ?", (namespace_id,))
        counts[namespace_id] = 0 if row is None else row[0]
    if counts[namespace_id] + len(missing) > MAX_SERIES:
        first = min(missing)
        raise Conflict(
            f"This namespace has {counts[namespace_id]} series already, and may have {MAX_SERIES}; no new one can be "
            f"made of service {first.service!r}, metric_type {first.metric_type}, tags {first.tags[:200]}. Something "
            "that is different every time, such as an id, belongs into a log line, not into a tag.",
            code="too_many",
        )
    ordered = [key for key in keys if key in missing]
    ids = services.find_or_make(tx, namespace_id, list(dict.fromkeys(key.service for key in ordered)), actor)
    rows = [(namespace_id, ids[key.service], key.metric_type, key.tags) for key in dict.fromkeys(ordered)]
    tx.insert("INSERT INTO series (namespace_id, service_id, metric_type, tags)", rows)
    counts[namespace_id] += len(rows)
    _look_up(tx, namespace_id, missing, remembered)


def _look_up(tx: Tx, namespace_id: int, keys: Collection[SeriesKey], into: Known) -> None:
    if not keys:
        return
    wanted = orjson.dumps([tuple(key) for key in keys]).decode()
    rows = tx.all(
        f"SELECT {SERIES_COLUMNS} FROM json_each(?) w CROSS JOIN services v ON v.namespace_id = ? "
        "AND v.name = json_extract(w.value, '$[0]') CROSS JOIN series s ON s.service_id = v.id "
        "AND s.metric_type = json_extract(w.value, '$[1]') AND s.tags = json_extract(w.value, '$[2]')",
        (wanted, namespace_id),
    )
    for row in rows:
        into[SeriesKey(row[3], row[4], row[5])] = series_from(row)


async def matching(
    readers: Readers,
    namespace_id: int,
    services: Sequence[str] = (),
    metric_types: Sequence[str] = (),
    tags: Iterable[tuple[str, str]] = (),
) -> list[Series]:
    """Those of any of `services` and any of `metric_types` (empty: of all) that have all `tags`, by id."""
    where = every(conditions(namespace_id, services, metric_types, tags))
    rows = await readers.all(
        f"SELECT {SERIES_COLUMNS} FROM {SERIES_FROM} WHERE {where.sql} ORDER BY s.id", where.params
    )
    return [series_from(row) for row in rows]


def conditions(
    namespace_id: int, services: Sequence[str], metric_types: Sequence[str], tags: Iterable[tuple[str, str]]
) -> list[Part]:
    """On `SERIES_FROM`."""
    parts = [Part("v.namespace_id = ? AND s.namespace_id = v.namespace_id", (namespace_id,))]
    if services:
        parts.append(one_of("v.name", services))
    if metric_types:
        parts.append(one_of("s.metric_type", metric_types))
    return parts + [has_tag(key, value) for key, value in tags]


def has_tag(key: str, value: str) -> Part:
    """Quotes inside of JSON's texts are escaped, so the text of a member stands nowhere but where it is one."""
    member = orjson.dumps({key: value}).decode()[1:-1]
    return Part("instr(s.tags, ?) > 0", (member,))


async def of_ids(readers: Readers, ids: Iterable[int]) -> dict[int, Series]:
    """By id; those that are gone are left out."""
    wanted = among("s.id", ids)
    rows = await readers.all(f"SELECT {SERIES_COLUMNS} FROM {SERIES_FROM} WHERE {wanted.sql}", wanted.params)
    return {row[0]: series_from(row) for row in rows}
