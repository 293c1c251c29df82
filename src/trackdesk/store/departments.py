"""Departments, and what refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import NotFound
from trackdesk.store.referring import Referring, in_words
from trackdesk.store.rows import DEPARTMENT_COLUMNS, department_from

if TYPE_CHECKING:
    from trackdesk.domain.notification import Department
    from trackdesk.store.writer import Tx


def find(tx: Tx, namespace_id: int, department_id: str) -> Department | None:
    row = tx.one(
        f"SELECT {DEPARTMENT_COLUMNS} FROM departments WHERE namespace_id = ? AND id = ?", (namespace_id, department_id)
    )
    return None if row is None else department_from(row)


def get(tx: Tx, namespace_id: int, department_id: str) -> Department:
    """Raises NotFound."""
    found = find(tx, namespace_id, department_id)
    if found is None:
        raise NotFound(f"There is no department {department_id}.")
    return found


def ids(tx: Tx, namespace_id: int, limit: int) -> list[str]:
    return [
        row[0]
        for row in tx.all(
            "SELECT id FROM departments WHERE namespace_id = ? ORDER BY id LIMIT ?", (namespace_id, limit)
        )
    ]


def insert(tx: Tx, namespace_id: int, department_id: str, name: str, description: str | None) -> Department:
    row = tx.one(
        "INSERT INTO departments (namespace_id, id, name, description, created_at) VALUES (?, ?, ?, ?, ?) "
        f"RETURNING {DEPARTMENT_COLUMNS}",
        (namespace_id, department_id, name, description, tx.now),
    )
    return department_from(row)


def update(tx: Tx, namespace_id: int, department_id: str, values: dict[str, Any]) -> Department:
    names = ", ".join(f"{name} = ?" for name in values)
    row = tx.one(
        f"UPDATE departments SET {names} WHERE namespace_id = ? AND id = ? RETURNING {DEPARTMENT_COLUMNS}",
        (*values.values(), namespace_id, department_id),
    )
    return department_from(row)


def delete(tx: Tx, namespace_id: int, department_id: str) -> None:
    tx.execute("DELETE FROM departments WHERE namespace_id = ? AND id = ?", (namespace_id, department_id))


_REFERRING = (
    Referring("process", "processes", "name", "processes WHERE namespace_id = ? AND department = ?"),
    Referring("service", "services", "name", "services WHERE namespace_id = ? AND department = ?"),
    Referring("rule", "rules", "id", "rules WHERE namespace_id = ? AND department = ?"),
    Referring(
        "open incident",
        "open incidents",
        "id",
        "incidents WHERE namespace_id = ? AND department = ? AND status <> 'CLOSED'",
    ),
    Referring("maintenance", "maintenance windows", "name", "maintenance WHERE namespace_id = ? AND department = ?"),
    Referring("channel", "channels", "name", "channels WHERE namespace_id = ? AND department = ?"),
    Referring(
        "key",
        "keys",
        "name",
        "keys WHERE namespace_id = ? AND EXISTS (SELECT 1 FROM json_each(departments) WHERE value = ?)",
    ),
)


def in_use_by(tx: Tx, namespace_id: int, department_id: str) -> list[str]:
    """What refers to the department, in words: `process nightly-backup`, `open incidents INC-1, INC-2 and 5 more`."""
    return in_words(tx, _REFERRING, (namespace_id, department_id))
