"""Many lines in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.client.group import Group
from trackdesk.contract import ingest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trackdesk.domain.ingest import Ingested


class Ingest(Group):
    async def send(self, lines: bytes | Iterable[Mapping[str, Any]], *, idempotency_key: str | None = None) -> Ingested:
        """`lines` as plain JSON objects, or as they travel (NDJSON, at most 32 MiB). What is refused stands in the
        answer."""
        data = lines if isinstance(lines, bytes) else b"".join(orjson.dumps(line) + b"\n" for line in lines)
        return await self._call(ingest.INGEST, body=data, idempotency_key=idempotency_key)
