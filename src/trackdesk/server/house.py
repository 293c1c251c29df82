"""What all handlers share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from trackdesk.server.statistics import Statistics

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from trackdesk.domain.identity import Worker
    from trackdesk.engine.core import Engine
    from trackdesk.server.door import Door


@dataclass
class House:
    """One server's parts; `workers` says how each of them is."""

    engine: Engine
    door: Door
    workers: Callable[[], list[Worker]]
    version: str
    verdicts: Callable[[], Mapping[str, int]] = dict
    """What the agenda has judged since the start, by the word for it."""
    rules: Callable[[], Mapping[str, int]] = dict
    """What the evaluation of rules has done since the start, by the word for it."""
    statistics: Statistics = field(default_factory=Statistics)
    streams: set[asyncio.Transport | None] = field(default_factory=set)
    """The connections of live streams that are open."""

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document as JSON, made when first asked for."""
        from trackdesk.contract.openapi import document  # noqa: PLC0415 - only /docs and tools ask for it

        return orjson.dumps(document(self.version))

    def let_go(self) -> None:
        """End the live streams, also those whose watcher takes nothing, so that a shutdown waits for none of them."""
        self.engine.hub.close()
        for transport in self.streams:
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()
