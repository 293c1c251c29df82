"""What of a database travels when it is exported: which tables, which columns, and what stays behind and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3

FORMAT: Final = "trackdesk"
VERSION: Final = 1
"""Of the file's form; what the rows hold is told by the number of the schema."""

TABLES: Final = (
    "namespaces",
    "departments",
    "keys",
    "rules",
    "processes",
    "runs",
    "tags",
    "run_tags",
    "gone_runs",
    "logs",
    "incidents",
    "comments",
    "attachments",
    "notifications",
    "notification_reads",
    "inbox_marks",
    "notification_unreads",
    "channels",
    "deliveries",
    "delivery_groups",
    "delivery_attempts",
    "services",
    "series",
    "samples",
    "metric_counted",
    "metric_kept",
    "metric_cells",
    "metric_packs",
    "rule_states",
    "rule_uncounted",
    "silences",
    "maintenance",
    "mutes",
    "journal",
    "rollup_cursors",
    "rollup_series",
    "rollup_minutes",
    "rollups",
    "rollup_corrections",
    "blind_times",
    "facts",
    "sqlite_sequence",
)
"""In the order they are written and read: whatever is referred to comes first."""

LEFT_OUT: Final = {
    "schema_migrations": "the header names the schema",
    "idempotency": "first answers are kept for 24 hours only",
    "loose_files": "of the disk that the database is on",
    "ingest_uids": "remembered for 24 hours only",
    "run_words": "made of the runs",
    "incident_words": "made of the incidents",
}

SECRET_TABLES: Final = frozenset({"keys"})
"""Not in an export without secrets."""

_WITHOUT_SECRETS: Final = {
    "channels": {"url_sealed": "''", "secret_sealed": "NULL", "trusted": "0", "enabled": "0"},
    # What waits would wait for ever on a channel that doesn't know its URL.
    "deliveries": {
        "status": "CASE WHEN next_due_at IS NULL THEN status ELSE 'DEAD' END",
        "next_due_at": "NULL",
    },
}
_CONDITIONS: Final = {
    "facts": "name <> 'restored'",  # is said anew of wherever it arrives
    "sqlite_sequence": f"name IN ({', '.join(repr(name) for name in TABLES)})",
}


class Column(NamedTuple):
    """As the schema declares it; `type` is INTEGER, REAL, TEXT or BLOB, which travels as base64."""

    name: str
    type: str
    required: bool
    """Neither null nor absent is taken: there is no default."""
    nullable: bool
    key: int
    """The place in the primary key, from 1; 0: not part of it."""


def columns(connection: sqlite3.Connection, table: str) -> tuple[Column, ...]:
    """The columns of a table in its order; none when the schema has no such table."""
    if table == "sqlite_sequence":  # SQLite's own, without types
        return (Column("name", "TEXT", True, False, 1), Column("seq", "INTEGER", True, False, 0))
    return tuple(
        Column(name, type_, bool(fixed or key) and default is None, not (fixed or key), key)
        for _, name, type_, fixed, default, key in connection.execute(f"PRAGMA table_info({table})")
    )


def selection(table: str, known: tuple[Column, ...], *, secrets: bool) -> tuple[str, str]:
    """(SELECT of all that travels in a fixed order, SELECT of how many rows that are)."""
    instead = {} if secrets else _WITHOUT_SECRETS.get(table, {})
    condition = _CONDITIONS.get(table, "")
    if table == "facts" and not secrets:
        condition += " AND name <> 'seal_check'"
    source = f"{table} WHERE {condition}" if condition else table
    shown = ", ".join(instead.get(column.name, column.name) for column in known)
    order = ", ".join(column.name for column in sorted(known, key=lambda each: each.key) if column.key)
    return f"SELECT {shown} FROM {source} ORDER BY {order}", f"SELECT count(*) FROM {source}"
