"""What is said of a run in words: its facts, and its journal as a story."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trackdesk.screens.changes import change
from trackdesk.widgets import when
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.timeline import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.incident import JournalEntry
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run
    from trackdesk.widgets.glyphs import Role

_ROLES: Mapping[str, Role] = {
    "completed": "ok",
    "failed": "fail",
    "superseded": "fail",
    "missed": "fail",
    "stalled": "late",
    "warning": "late",
    "resumed": "ok",
}
_SAID = {
    "superseded": "a later attempt took its place",
    "resumed": "a sign of life again",
    "warning": "its deadline is near",
    "missed": "its deadline passed",
    "stalled": "no sign of life for longer than its heartbeat timeout",
}
OWN = "trackdesk"
"""The actor of what the server does by itself."""


def story(entries: Sequence[JournalEntry]) -> list[Entry]:
    """The journal of a run, oldest first."""
    return [
        Entry(each.at, each.kind, _sentence(each), _ROLES.get(each.kind, "new"))
        for each in sorted(entries, key=lambda each: each.seq)
    ]


def _sentence(entry: JournalEntry) -> str:
    by = f"by {entry.actor}" if entry.actor and entry.actor != OWN else ""
    said = _SAID.get(entry.kind, "")
    if entry.kind == "changed":
        said = "; ".join(change(name, value) for name, value in entry.changed.items())
    return ", ".join(part for part in (said, by) if part)


def facts(run: Run, process: Process | None) -> list[Toned]:
    """Everything the head of the screen has no room for, each on its line."""
    lines: list[Toned] = []
    if run.error is not None:
        lines += [Toned(run.error.message, "fail", bold=True)]
        lines += [Toned(run.error.backtrace, "dim")] if run.error.backtrace else []
        lines += [Toned("", "dim")]
    known = [
        ("started", when.absolute(run.started_at)),
        ("due", when.absolute(run.deadline) if run.deadline is not None else ""),
        ("ended", when.absolute(run.completed_at) if run.completed_at is not None else ""),
        ("attempt", str(run.attempt) if run.attempt > 1 else ""),
        ("category", run.category or ""),
        ("service", run.service or ""),
        ("by", run.triggered_by or ""),
        ("correlation", run.correlation_id or ""),
        ("heartbeat", _heartbeat(run)),
        ("department", process.department or "" if process is not None else ""),
        ("runbook", process.runbook_url or "" if process is not None else ""),
        ("uid", run.uid),
    ]
    lines += [Toned(f"{name:<12}{value}", "new") for name, value in known if value]
    if run.tags:
        lines += [Toned("", "dim"), Toned("tags", "dim")]
        lines += [Toned(f"{key:<12}{value}", "new") for key, value in run.tags.items()]
    if run.context:
        lines += [Toned("", "dim"), Toned("context", "dim")]
        lines += [Toned(json.dumps(run.context, indent=2, ensure_ascii=False), "new")]
    return lines


def _heartbeat(run: Run) -> str:
    if run.heartbeat_timeout is None:
        return ""
    last = f", last at {when.clock(run.last_heartbeat_at)}" if run.last_heartbeat_at is not None else ""
    return f"every {when.span(run.heartbeat_timeout)} at least{last}"
