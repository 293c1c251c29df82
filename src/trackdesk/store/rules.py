"""Rules as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.domain.incident import Severity
from trackdesk.domain.rule import Aggregate, ListedRule, Operator, Rule, RuleState

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx

RULE_COLUMNS = (
    "u.id, u.name, u.description, u.metric_type, u.service, u.tags, u.operator, u.threshold, u.severity, u.department, "
    "u.enabled, u.aggregate, u.window_size, u.hold_for, u.recover_threshold, u.no_data_after, u.auto_close, "
    "u.priority, u.created_at, u.updated_at, u.created_by, u.version"
)
RULE_STATE = (
    "coalesce((SELECT x.state FROM rule_states x WHERE x.namespace_id = u.namespace_id AND x.rule_id = u.id "
    "ORDER BY CASE x.state WHEN 'FIRING' THEN 0 WHEN 'NO_DATA' THEN 1 ELSE 2 END LIMIT 1), 'OK')"
)
"""The worst state among the series of rule `u`; those that are OK have no row."""
RULE_FARES = (
    f"{RULE_STATE}, (SELECT count(*) FROM rule_states b WHERE b.namespace_id = u.namespace_id AND b.rule_id = u.id "
    "AND b.state IN ('FIRING', 'NO_DATA')), "
    "(SELECT count(*) FROM incidents o INDEXED BY incidents_open_by_rule WHERE o.namespace_id = u.namespace_id "
    "AND o.rule = u.id AND o.status <> 'CLOSED'), "
    "(SELECT count(*) FROM incidents t INDEXED BY incidents_by_rule WHERE t.namespace_id = u.namespace_id "
    "AND t.rule = u.id), "
    "(SELECT max(l.opened_at) FROM incidents l INDEXED BY incidents_by_rule WHERE l.namespace_id = u.namespace_id "
    "AND l.rule = u.id)"
)
"""How rule `u` fares: state, wrong_series, open incidents, incidents, when the last one was opened."""
_FARES_AT = RULE_COLUMNS.count(",") + 1
_COLUMN_OF = {"for_": "hold_for", "window": "window_size"}


def rule_fields(row: Any) -> dict[str, Any]:
    """Of `SELECT RULE_COLUMNS FROM rules u`: the fields of a Rule, in its order."""
    return {
        "id": row[0],
        "name": row[1],
        "description": row[2],
        "metric_type": row[3],
        "service": row[4],
        "tags": orjson.loads(row[5]),
        "operator": None if row[6] is None else Operator(row[6]),
        "threshold": row[7],
        "severity": Severity(row[8]),
        "department": row[9],
        "enabled": bool(row[10]),
        "aggregate": Aggregate(row[11]),
        "window": row[12],
        "for_": row[13],
        "recover_threshold": row[14],
        "no_data_after": row[15],
        "auto_close": bool(row[16]),
        "priority": row[17],
        "created_at": row[18],
        "updated_at": row[19],
        "created_by": row[20],
        "version": row[21],
    }


def listed_rule(row: Any) -> ListedRule:
    """Of `SELECT RULE_COLUMNS, RULE_FARES FROM rules u`."""
    state, wrong_series, open_incidents, trigger_count, last_triggered_at = row[_FARES_AT : _FARES_AT + 5]
    return ListedRule.trusted(
        **rule_fields(row),
        state=RuleState(state),
        wrong_series=wrong_series,
        open_incidents=open_incidents,
        trigger_count=trigger_count,
        last_triggered_at=last_triggered_at,
    )


def find(tx: Tx, namespace_id: int, rule_id: str) -> Rule | None:
    row = tx.one(f"SELECT {RULE_COLUMNS} FROM rules u WHERE u.namespace_id = ? AND u.id = ?", (namespace_id, rule_id))
    return None if row is None else Rule.trusted(**rule_fields(row))


def get(tx: Tx, namespace_id: int, rule_id: str) -> Rule:
    """Raises NotFound."""
    found = find(tx, namespace_id, rule_id)
    if found is None:
        raise no_rule(rule_id)
    return found


def listed(tx: Tx, namespace_id: int, rule_id: str) -> ListedRule:
    """The rule and how it fares. Raises NotFound."""
    sql = f"SELECT {RULE_COLUMNS}, {RULE_FARES} FROM rules u WHERE u.namespace_id = ? AND u.id = ?"
    row = tx.one(sql, (namespace_id, rule_id))
    if row is None:
        raise no_rule(rule_id)
    return listed_rule(row)


def no_rule(rule_id: str) -> NotFound:
    return NotFound(f"There is no rule {rule_id}.")


def enabled_rules(tx: Tx) -> list[tuple[int, Rule]]:
    """(namespace id, rule) of all that are enabled, in order of namespace, priority and id."""
    rows = tx.all(
        f"SELECT {RULE_COLUMNS}, u.namespace_id FROM rules u WHERE u.enabled = 1 "
        "ORDER BY u.namespace_id, u.priority, u.id"
    )
    return [(row[-1], Rule.trusted(**rule_fields(row))) for row in rows]


def ids(tx: Tx, namespace_id: int) -> list[str]:
    return [row[0] for row in tx.all("SELECT id FROM rules WHERE namespace_id = ? ORDER BY id", (namespace_id,))]


def count(tx: Tx, namespace_id: int) -> int:
    row = tx.one("SELECT count(*) FROM rules WHERE namespace_id = ?", (namespace_id,))
    assert row is not None
    return int(row[0])


def insert(tx: Tx, namespace_id: int, rule: Rule) -> None:
    """`rule` as it shall stand."""
    columns = {"namespace_id": namespace_id, **_columns(rule.__dict__)}
    tx.execute(
        f"INSERT INTO rules ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", tuple(columns.values())
    )


def update(tx: Tx, namespace_id: int, rule_id: str, values: dict[str, Any]) -> None:
    """Set fields of a Rule; the version goes up by one."""
    columns = _columns(values)
    names = "".join(f"{name} = ?, " for name in columns)
    tx.execute(
        f"UPDATE rules SET {names}updated_at = ?, version = version + 1 WHERE namespace_id = ? AND id = ?",
        (*columns.values(), tx.now, namespace_id, rule_id),
    )


def delete(tx: Tx, namespace_id: int, rule_id: str) -> None:
    tx.execute("DELETE FROM rules WHERE namespace_id = ? AND id = ?", (namespace_id, rule_id))


def let_go(tx: Tx, namespace_id: int, rule_id: str) -> None:
    """Nothing watches the causes of its incidents any more: a later rule of that id begins afresh."""
    tx.execute(
        "UPDATE incidents SET holds = 0 WHERE namespace_id = ? AND rule = ? AND holds = 1", (namespace_id, rule_id)
    )


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = {_COLUMN_OF.get(name, name): value for name, value in values.items()}
    if "tags" in columns:
        columns["tags"] = orjson.dumps(columns["tags"], option=orjson.OPT_SORT_KEYS).decode()
    for name in ("enabled", "auto_close"):
        if name in columns:
            columns[name] = int(columns[name])
    return columns
