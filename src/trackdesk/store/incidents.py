"""Incidents as the operations write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.domain.incident import SEVERITY_ORDER, Comment, Incident, Severity, incident_ref
from trackdesk.store.rows import COMMENT_COLUMNS, INCIDENT_COLUMNS, comment_from, incident_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.store.writer import Tx


class IncidentRow(NamedTuple):
    """An incident with what only the operations need."""

    incident: Incident
    cause: str | None
    holds: bool


_SELECT = f"SELECT {INCIDENT_COLUMNS}, cause, holds FROM incidents WHERE "


def _row(row: tuple[Any, ...]) -> IncidentRow:
    return IncidentRow(incident_from(row[:-2]), row[-2], bool(row[-1]))


def get(tx: Tx, namespace_id: int, incident_id: int) -> IncidentRow:
    """Raises NotFound."""
    row = tx.one(_SELECT + "id = ? AND namespace_id = ?", (incident_id, namespace_id))
    if row is None:
        raise NotFound(f"There is no incident {incident_ref(incident_id)}.")
    return _row(row)


def open_of_cause(tx: Tx, namespace_id: int, cause: str) -> IncidentRow | None:
    row = tx.one(_SELECT + "namespace_id = ? AND cause = ? AND status <> 'CLOSED'", (namespace_id, cause))
    return None if row is None else _row(row)


def held_of_causes(tx: Tx, namespace_id: int, *causes: str) -> list[IncidentRow]:
    """Incidents whose cause has not cleared since, newest first; all but one of a cause were closed by hand."""
    marks = ", ".join("?" * len(causes))
    rows = tx.all(
        _SELECT + f"namespace_id = ? AND cause IN ({marks}) AND holds = 1 ORDER BY id DESC", (namespace_id, *causes)
    )
    return [_row(row) for row in rows]


def held_of_process(tx: Tx, namespace_id: int, process: str) -> list[IncidentRow]:
    """Incidents of the process whose cause has not cleared since, whether it is the process or one of its runs."""
    rows = tx.all(
        _SELECT + "namespace_id = ? AND process = ? AND holds = 1 AND cause IS NOT NULL ORDER BY id DESC",
        (namespace_id, process),
    )
    return [_row(row) for row in rows]


def which_hold(tx: Tx, namespace_id: int, causes: Iterable[str]) -> set[str]:
    """Those of the causes that have not cleared since an incident was opened for them."""
    rows = tx.all(
        "SELECT causes.value FROM json_each(?) AS causes WHERE EXISTS "
        "(SELECT 1 FROM incidents WHERE namespace_id = ? AND cause = causes.value AND holds = 1)",
        (orjson.dumps(list(causes)).decode(), namespace_id),
    )
    return {cause for (cause,) in rows}


def insert(tx: Tx, namespace_id: int, cause: str | None, values: dict[str, Any]) -> Incident:
    """`values`: columns of a new OPEN incident besides those that follow from now. Raises sqlite3.IntegrityError when
    another is open for the cause, which callers have looked for before."""
    columns = {
        "namespace_id": namespace_id,
        "cause": cause,
        "holds": int(cause is not None),
        "status": "OPEN",
        "severity_rank": SEVERITY_ORDER[Severity(values["severity"])],
        "opened_at": tx.now,
        "last_seen_at": tx.now,
        "updated_at": tx.now,
        **values,
    }
    row = tx.one(
        f"INSERT INTO incidents ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"RETURNING {INCIDENT_COLUMNS}",
        tuple(columns.values()),
    )
    return incident_from(row)


def update(tx: Tx, incident_id: int, values: dict[str, Any]) -> Incident:
    """Set columns; the version goes up by one."""
    if "severity" in values:
        values = {**values, "severity_rank": SEVERITY_ORDER[Severity(values["severity"])]}
    names = "".join(f"{name} = ?, " for name in values)
    row = tx.one(
        f"UPDATE incidents SET {names}updated_at = ?, version = version + 1 WHERE id = ? RETURNING {INCIDENT_COLUMNS}",
        (*values.values(), tx.now, incident_id),
    )
    return incident_from(row)


def held_of_rule(tx: Tx, namespace_id: int, rule_id: str) -> list[IncidentRow]:
    """Incidents of the rule whose cause has not cleared since."""
    rows = tx.all(
        _SELECT + "namespace_id = ? AND rule = ? AND holds = 1 AND cause IS NOT NULL ORDER BY id DESC",
        (namespace_id, rule_id),
    )
    return [_row(row) for row in rows]


def repeat(tx: Tx, incident_id: int, count: int = 1) -> None:
    """Its cause was seen again, `count` times. No person's change: the version stays."""
    tx.execute(
        "UPDATE incidents SET occurrences = occurrences + ?, last_seen_at = ?, updated_at = ? WHERE id = ?",
        (count, tx.now, tx.now, incident_id),
    )


def hold(tx: Tx, incident_id: int) -> None:
    """Its cause holds again after it had cleared."""
    tx.execute("UPDATE incidents SET holds = 1 WHERE id = ?", (incident_id,))


def release(tx: Tx, incident_id: int) -> None:
    """Its cause has cleared: the next time it holds is a new incident."""
    tx.execute("UPDATE incidents SET holds = 0 WHERE id = ?", (incident_id,))


def delete(tx: Tx, incident_id: int) -> None:
    tx.execute("DELETE FROM incidents WHERE id = ?", (incident_id,))


def add_comment(tx: Tx, incident_id: int, author: str, content: str) -> Comment:
    row = tx.one(
        "INSERT INTO comments (incident_id, author, content, created_at) VALUES (?, ?, ?, ?) "
        f"RETURNING {COMMENT_COLUMNS}",
        (incident_id, author, content, tx.now),
    )
    return comment_from(row)


def delete_comment(tx: Tx, incident_id: int, comment_id: int) -> Comment:
    """Raises NotFound."""
    row = tx.one(
        f"DELETE FROM comments WHERE id = ? AND incident_id = ? RETURNING {COMMENT_COLUMNS}", (comment_id, incident_id)
    )
    if row is None:
        raise NotFound(f"There is no comment {comment_id} on {incident_ref(incident_id)}.")
    return comment_from(row)
