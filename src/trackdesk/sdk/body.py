"""The start of a run, as it travels."""

from __future__ import annotations

from typing import Any

from trackdesk.sdk import values

_SILENT_BEATS = 3
"""Heartbeats that may be lost before the server calls a run stalled."""


def start_body(
    *,
    heartbeat: float,
    supersede: bool = False,
    tags: dict[str, object] | None = None,
    context: dict[str, Any] | None = None,
    **texts: Any,
) -> dict[str, Any]:
    """The start of a run as it travels. Raises ValueError naming the field that the server would refuse."""
    if texts.get("id") is not None:
        values.name("id", texts["id"])
    if texts.get("deadline") is not None:
        values.deadline(texts["deadline"])
    body = {key: value for key, value in texts.items() if value is not None}
    if tags:
        body["tags"] = values.tags(tags)
    if context:
        body["context"] = values.plain_object(context)
    if supersede:
        body["on_active"] = "supersede"
    return {**body, **silence(heartbeat)}


def silence(heartbeat: float) -> dict[str, str]:
    """The part of a start that says after which silence the run is stalled; `heartbeat` in seconds, 0 for none."""
    return {"heartbeat_timeout": f"{max(2, round(heartbeat * _SILENT_BEATS))}s"} if heartbeat > 0 else {}
