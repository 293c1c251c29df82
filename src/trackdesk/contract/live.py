"""The live stream on the wire: how an event is written as server-sent events, and how it is read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from trackdesk.domain.instant import format_instant, parse_instant

RESYNC: Final = "resync"
"""The event that says: what you know of this topic may be old, read it again."""
HEARTBEAT: Final = b": heartbeat\n\n"
HEARTBEAT_EVERY: Final = 15_000_000
"""µs without anything to say after which a heartbeat is sent."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One change as a client sees it. `id` is where to resume: everything up to it has been sent."""

    id: int
    topic: str | None
    """None only with `resync`: every topic."""
    kind: str
    ref: str = ""
    actor: str = ""
    at: int = 0
    """µs UTC."""
    changed: dict[str, Any] = field(default_factory=dict)

    @property
    def resync(self) -> bool:
        return self.kind == RESYNC


def encode_change(id_: int, topic: str, at: int, kind: str, ref: str, actor: str, changed: str) -> bytes:
    """An event as it travels; `changed` is a JSON object as text."""
    head = orjson.dumps({"at": format_instant(at), "kind": kind, "ref": ref, "actor": actor})
    return b'id: %d\nevent: %s\ndata: %s,"changed":%s}\n\n' % (id_, topic.encode(), head[:-1], changed.encode())


def encode_resync(id_: int, topic: str | None, reason: str) -> bytes:
    """`topic` None: all of them."""
    return b"id: %d\nevent: resync\ndata: %s\n\n" % (id_, orjson.dumps({"topic": topic, "reason": reason}))


def encode_start(id_: int) -> bytes:
    """Sent first: gives the client a place to resume from before anything has happened."""
    return b": trackdesk\nid: %d\n\n" % id_


class LiveParser:
    """Reads server-sent events from chunks of bytes as they come; `last_id` is what to resume from."""

    def __init__(self) -> None:
        self.last_id: int | None = None
        self._rest = b""

    def feed(self, chunk: bytes) -> list[LiveEvent]:
        """The events that `chunk` completes. Raises ValueError for what is no stream of trackdesk."""
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        return [event for block in blocks if (event := self._read(block)) is not None]

    def _read(self, block: bytes) -> LiveEvent | None:
        fields: dict[bytes, bytes] = {}
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            if name:
                fields[name] = value.removeprefix(b" ")
        if b"id" in fields:
            self.last_id = int(fields[b"id"])
        if b"data" not in fields:
            return None
        topic, data = fields.get(b"event", b"message").decode(), orjson.loads(fields[b"data"])
        if topic == RESYNC:
            return LiveEvent(self.last_id or 0, data.get("topic"), RESYNC)
        at = parse_instant(data["at"])
        return LiveEvent(
            self.last_id or 0, topic, data["kind"], data["ref"], data["actor"], at, data.get("changed") or {}
        )
