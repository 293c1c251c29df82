"""How the series stand that are not OK under a rule, and up to which sample that is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.domain.rule import Rule, RuleState
from trackdesk.store.rules import RULE_COLUMNS, rule_fields

if TYPE_CHECKING:
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx


class StateRow(NamedTuple):
    """A row of `rule_states`; instants in µs."""

    namespace_id: int
    rule_id: str
    series_id: int
    service: str
    state: RuleState
    since: int
    value: float | None
    pending_since: int | None
    breaches: int
    next_due_at: int | None


_COLUMNS = ", ".join(StateRow._fields)


def everything(tx: Tx) -> list[StateRow]:
    """All there are."""
    return [_row(row) for row in tx.all(f"SELECT {_COLUMNS} FROM rule_states")]


def _row(row: Any) -> StateRow:
    return StateRow._make((*row[:4], RuleState(row[4]), *row[5:]))


def write(tx: Tx, row: StateRow) -> bool:
    """Whether it could be: the series may be gone."""
    done = tx.execute(
        f"INSERT OR REPLACE INTO rule_states ({_COLUMNS}) SELECT {', '.join('?' * len(row))} "
        "WHERE EXISTS (SELECT 1 FROM series WHERE id = ?)",
        (*row, row.series_id),
    )
    return done.rowcount > 0


def recount(tx: Tx, row: StateRow) -> None:
    """What changes of a PENDING series without a verdict."""
    tx.execute(
        "UPDATE rule_states SET breaches = ?, next_due_at = ?, value = ? "
        "WHERE namespace_id = ? AND rule_id = ? AND service = ? AND series_id = ? AND state = 'PENDING'",
        (row.breaches, row.next_due_at, row.value, row.namespace_id, row.rule_id, row.service, row.series_id),
    )


def remove(tx: Tx, row: StateRow) -> None:
    """The series is OK."""
    tx.execute(
        "DELETE FROM rule_states WHERE namespace_id = ? AND rule_id = ? AND service = ? AND series_id = ?",
        (row.namespace_id, row.rule_id, row.service, row.series_id),
    )


def remove_all(tx: Tx, namespace_id: int, rule_id: str) -> None:
    """Nobody watches them any more."""
    tx.execute("DELETE FROM rule_states WHERE namespace_id = ? AND rule_id = ?", (namespace_id, rule_id))


def any_wrong(tx: Tx, namespace_id: int, rule_id: str, service: str) -> bool:
    """Whether some series of the service fires or is silent."""
    row = tx.one(
        "SELECT 1 FROM rule_states WHERE namespace_id = ? AND rule_id = ? AND service = ? AND state <> 'PENDING'",
        (namespace_id, rule_id, service),
    )
    return row is not None


def watched(tx: Tx, namespace_id: int, rule_id: str) -> bool:
    """Whether the rule is there and enabled."""
    return (
        tx.one("SELECT 1 FROM rules WHERE namespace_id = ? AND id = ? AND enabled = 1", (namespace_id, rule_id))
        is not None
    )


def of_disabled(tx: Tx) -> list[tuple[int, str]]:
    """(namespace id, rule id) of rules that have rows and are not enabled."""
    return tx.all(
        "SELECT DISTINCT s.namespace_id, s.rule_id FROM rule_states s "
        "JOIN rules u ON u.namespace_id = s.namespace_id AND u.id = s.rule_id WHERE u.enabled = 0"
    )


def cursor(tx: Tx) -> int:
    """The id of the last sample that counted. In a database without one, counting begins behind what there is."""
    row = tx.one("SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'rules_cursor'")
    if row is None:
        row = tx.one("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'samples'), 0)")
        assert row is not None
        set_cursor(tx, int(row[0]))
    return int(row[0])


def set_cursor(tx: Tx, sample_id: int) -> None:
    tx.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('rules_cursor', ?)", (str(sample_id),))


Uncounted = dict[tuple[int, str, str], int]
"""By namespace, rule and service: breaches that are not in the occurrences of the incident yet."""


def uncounted(tx: Tx) -> Uncounted:
    """As of the cursor."""
    rows = tx.all("SELECT namespace_id, rule_id, service, times FROM rule_uncounted")
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def set_uncounted(tx: Tx, changed: Uncounted) -> None:
    """Of those that are not named nothing changes; 0: they are counted."""
    tx.executemany(
        "INSERT OR REPLACE INTO rule_uncounted (namespace_id, rule_id, service, times) VALUES (?, ?, ?, ?)",
        [(*key, times) for key, times in changed.items() if times],
    )
    tx.executemany(
        "DELETE FROM rule_uncounted WHERE namespace_id = ? AND rule_id = ? AND service = ?",
        [key for key, times in changed.items() if not times],
    )


async def versions(readers: Readers) -> dict[tuple[int, str], tuple[int, int]]:
    """By namespace id and rule id of all rules that are enabled: version, and when it was made."""
    rows = await readers.all("SELECT namespace_id, id, version, created_at FROM rules WHERE enabled = 1")
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def enabled_rule(readers: Readers, namespace_id: int, rule_id: str) -> Rule | None:
    """None: it is gone, or not enabled."""
    row = await readers.one(
        f"SELECT {RULE_COLUMNS} FROM rules u WHERE u.namespace_id = ? AND u.id = ? AND u.enabled = 1",
        (namespace_id, rule_id),
    )
    return None if row is None else Rule.trusted(**rule_fields(row))
