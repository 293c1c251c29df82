"""Services as the operations see them: found or made by name, changed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.store.referring import Referring, in_words

if TYPE_CHECKING:
    from collections.abc import Collection

    from trackdesk.store.writer import Tx


class ServiceRow(NamedTuple):
    """A service as it is stored."""

    id: int
    namespace_id: int
    name: str
    description: str | None
    department: str | None
    depends_on: list[str]
    version: int


_COLUMNS = "id, namespace_id, name, description, department, depends_on, version"


def find(tx: Tx, namespace_id: int, name: str) -> ServiceRow | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM services WHERE namespace_id = ? AND name = ?", (namespace_id, name))
    return None if row is None else ServiceRow(row[0], row[1], row[2], row[3], row[4], orjson.loads(row[5]), row[6])


def get(tx: Tx, namespace_id: int, name: str) -> ServiceRow:
    """Raises NotFound."""
    found = find(tx, namespace_id, name)
    if found is None:
        raise NotFound(f"There is no service {name!r}.")
    return found


def find_or_make(tx: Tx, namespace_id: int, names: Collection[str], actor: str) -> dict[str, int]:
    """The ids of services by name; those that are not there yet are made."""
    wanted = orjson.dumps(list(names)).decode()
    select = "SELECT name, id FROM services WHERE namespace_id = ? AND name IN (SELECT value FROM json_each(?))"
    known: dict[str, int] = dict(tx.all(select, (namespace_id, wanted)))
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if missing:
        rows = [(namespace_id, name, tx.now, tx.now) for name in missing]
        tx.insert("INSERT INTO services (namespace_id, name, created_at, updated_at)", rows)
        for name in missing:
            tx.journal(namespace_id, "services", "made", name, actor)
        known = dict(tx.all(select, (namespace_id, wanted)))
    return known


def insert(
    tx: Tx, namespace_id: int, name: str, description: str | None, department: str | None, depends_on: list[str]
) -> None:
    tx.execute(
        "INSERT INTO services (namespace_id, name, description, department, depends_on, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (namespace_id, name, description, department, orjson.dumps(depends_on).decode(), tx.now, tx.now),
    )


def change(tx: Tx, service: ServiceRow, values: dict[str, Any]) -> None:
    """Set columns; the version goes up by one."""
    if "depends_on" in values:
        values = {**values, "depends_on": orjson.dumps(values["depends_on"]).decode()}
    names = ", ".join(f"{name} = ?" for name in values)
    tx.execute(
        f"UPDATE services SET {names}, version = version + 1, updated_at = ? WHERE id = ?",
        (*values.values(), tx.now, service.id),
    )


_REFERRING = (
    Referring("process", "processes", "name", "processes WHERE namespace_id = ? AND service = ?"),
    Referring("rule", "rules", "id", "rules WHERE namespace_id = ? AND service = ?"),
    Referring(
        "open incident",
        "open incidents",
        "id",
        "incidents WHERE namespace_id = ? AND service = ? AND status <> 'CLOSED'",
    ),
    Referring(
        "service",
        "services",
        "name",
        "services WHERE namespace_id = ? AND EXISTS (SELECT 1 FROM json_each(depends_on) WHERE value = ?)",
    ),
)


def in_use_by(tx: Tx, service: ServiceRow) -> list[str]:
    """What refers to the service, in words."""
    return in_words(tx, _REFERRING, (service.namespace_id, service.name))


_SERIES = "SELECT id FROM series WHERE service_id = ?1"
_COUNTED = f"{_SERIES} UNION ALL SELECT -id FROM series WHERE service_id = ?1"
"""With the numbers under which series are counted together."""
_SAMPLES = f"DELETE FROM samples WHERE id IN (SELECT id FROM samples WHERE series_id IN ({_SERIES}) LIMIT ?2)"
_ROLLUPS = tuple(
    f"DELETE FROM {table} WHERE (level, series_id, at) IN (SELECT level, series_id, at FROM {table} "
    f"WHERE level IN (0, 1, 2) AND series_id IN ({_COUNTED}) LIMIT ?2)"
    for table in ("metric_cells", "metric_packs")
)


def delete_samples(tx: Tx, service: ServiceRow, limit: int) -> int:
    """Some of its samples, all when they are fewer; gives how many."""
    return tx.execute(_SAMPLES, (service.id, limit)).rowcount


def delete_rollups(tx: Tx, service: ServiceRow, limit: int) -> bool:
    """Some of what was counted of its samples; whether nothing is left."""
    return all(tx.execute(sql, (service.id, limit)).rowcount < limit for sql in _ROLLUPS)


def delete(tx: Tx, service: ServiceRow) -> None:
    """What it measured has gone before; how rules stand with its series goes with them."""
    tx.execute("DELETE FROM series WHERE service_id = ?", (service.id,))
    tx.execute("DELETE FROM services WHERE id = ?", (service.id,))
    tx.cache.pop("series", None)
    tx.cache.pop("series_counts", None)
