"""A database of the real schema in a file, filled row by row, for trying the lists."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.template import new_database
from trackdesk.domain.incident import SEVERITY_ORDER, Severity
from trackdesk.store.opening import open_database
from trackdesk.store.readers import Readers
from trackdesk.store.runs import ADD_WORDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = 1_767_312_000_000_000
"""2026-01-02T00:00:00Z"""
DEFAULT = 1
"""The namespace."""


class House:
    """Inserts rows whose members are as given, the others plausible; each method gives the row's id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_database(new_database(path))
        self.connection.execute("PRAGMA synchronous = OFF")
        self._processes: dict[tuple[int, str], int] = {}
        self._numbers = 0

    def insert(self, table: str, **columns: Any) -> int:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        cursor = self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))
        return cursor.lastrowid or 0

    def namespace(self, name: str) -> int:
        return self.insert("namespaces", name=name, created_at=NOW)

    def process(self, name: str, namespace_id: int = DEFAULT, **columns: Any) -> int:
        known = self._processes.get((namespace_id, name))
        if known is None:
            row = {"namespace_id": namespace_id, "name": name, "created_at": NOW, "updated_at": NOW, **columns}
            known = self._processes[namespace_id, name] = self.insert("processes", **row)
        return known

    def run(self, process: str = "backup", *, namespace_id: int = DEFAULT, **columns: Any) -> int:
        """`tags` and `error` (its message) as Python values; a later run starts a second later."""
        self._numbers += 1
        number, tags, error = self._numbers, columns.pop("tags", {}), columns.pop("error", None)
        row: dict[str, Any] = {
            "uid": f"uid{number:08}",
            "namespace_id": namespace_id,
            "process_id": self.process(process, namespace_id),
            "id": f"r{number}",
            "attempt": 1,
            "status": "ACTIVE",
            "started_at": NOW + number * 1_000_000,
            "tags": json.dumps(tags),
            "error": None if error is None else json.dumps({"message": error, "backtrace": None}),
            **columns,
        }
        if row["status"] != "ACTIVE":
            row.setdefault("completed_at", row["started_at"] + row.get("duration", 500_000))
            row.setdefault("duration", row["completed_at"] - row["started_at"])
        seq = self.insert("runs", **row)
        if error is not None:
            self.connection.execute(f"{ADD_WORDS} AND seq = ?", (seq,))
        for key, value in tags.items():
            self.connection.execute(
                "INSERT OR IGNORE INTO tags (namespace_id, key, value) VALUES (?, ?, ?)", (namespace_id, key, value)
            )
            self.connection.execute(
                "INSERT INTO run_tags SELECT id, ?, ? FROM tags WHERE namespace_id = ? AND key = ? AND value = ?",
                (row["started_at"], seq, namespace_id, key, value),
            )
        return seq

    def runs_by_id(self, *ids: str, **columns: Any) -> None:
        for each in ids:
            self.run(id=each, **columns)

    def log(self, run_seq: int, message: str, level: int = 1, **columns: Any) -> int:
        return self.insert("logs", run_seq=run_seq, message=message, level=level, **{"logged_at": NOW, **columns})

    def incident(self, title: str = "backup missed its deadline", **columns: Any) -> int:
        self._numbers += 1
        at = columns.pop("opened_at", NOW + self._numbers * 1_000_000)
        severity = columns.pop("severity", "HIGH")
        row = {
            "namespace_id": DEFAULT,
            "origin": "missed",
            "status": "OPEN",
            "title": title,
            "department": "default",
            "last_seen_at": at,
            "updated_at": at,
            **columns,
        }
        rank = SEVERITY_ORDER[Severity(severity)]
        return self.insert("incidents", opened_at=at, severity=severity, severity_rank=rank, **row)

    def comment(self, incident_id: int, content: str, **columns: Any) -> int:
        row = {"author": "alice", "created_at": NOW, **columns}
        return self.insert("comments", incident_id=incident_id, content=content, **row)

    def notification(self, title: str = "backup missed its deadline", **columns: Any) -> int:
        """`routing` as a Python list."""
        routing = json.dumps(columns.pop("routing", []))
        row = {
            "namespace_id": DEFAULT,
            "kind": "opened",
            "severity": "HIGH",
            "body": "",
            "department": "default",
            "created_at": NOW,
            **columns,
        }
        return self.insert("notifications", title=title, routing=routing, **row)

    def channel(self, name: str, **columns: Any) -> int:
        row = {
            "namespace_id": DEFAULT,
            "url_sealed": "sealed",
            "url_shown": "webhook+https://hooks.example",
            "created_at": NOW,
            "updated_at": NOW,
            **columns,
        }
        return self.insert("channels", name=name, **row)

    def delivery(self, notification_id: int, channel_id: int, status: str = "SENT", **columns: Any) -> int:
        self._numbers += 1
        row = {"uid": f"d{self._numbers}", "namespace_id": DEFAULT, "created_at": NOW, **columns}
        return self.insert("deliveries", notification_id=notification_id, channel_id=channel_id, status=status, **row)

    def attempt(self, delivery_id: int, outcome: str = "sent", **columns: Any) -> int:
        row = {"at": NOW, "took": 120_000, "status": "200 OK", **columns}
        return self.insert("delivery_attempts", delivery_id=delivery_id, outcome=outcome, **row)

    def journal(self, topic: str, kind: str, ref: str, **columns: Any) -> int:
        row = {"namespace_id": DEFAULT, "at": NOW, "actor": "alice", **columns}
        return self.insert("journal", topic=topic, kind=kind, ref=ref, **row)

    def plan(self, sql: str, params: tuple[object, ...]) -> list[str]:
        """What SQLite says about how it will answer."""
        return [str(row[-1]) for row in self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", params)]

    @asynccontextmanager
    async def readers(self) -> AsyncIterator[Readers]:
        async with Readers(self.path, size=1) as readers:
            yield readers

    def close(self) -> None:
        self.connection.close()
