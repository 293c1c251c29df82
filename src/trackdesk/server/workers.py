"""The writer as /readyz sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.identity import Worker

if TYPE_CHECKING:
    from trackdesk.store.writer import Writer


class WriterHealth:
    """Not ok from a batch that the disk refused until the next one that it took."""

    name = "writer"

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def health(self) -> Worker:
        stats = self._writer.stats
        if stats.last_error is not None:
            return Worker(name=self.name, ok=False, detail=stats.last_error)
        return Worker(name=self.name, ok=True, detail=f"{stats.queue_depth} operations waiting")
