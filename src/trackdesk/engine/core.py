"""What every operation needs, and what is done with each commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trackdesk.domain.clock import Clock
    from trackdesk.engine.delivery import DeliveryWorker
    from trackdesk.engine.hub import Hub
    from trackdesk.engine.keys import KeyRing
    from trackdesk.engine.seal import Seal
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Committed, Writer


@dataclass
class Engine:
    """The parts that operations work with. Belongs to the server's event loop."""

    path: Path
    """The database file."""
    clock: Clock
    writer: Writer
    readers: Readers
    hub: Hub
    seal: Seal
    keys: KeyRing
    delivery: DeliveryWorker
    wakers: dict[str, Callable[[int], None]] = field(default_factory=dict)
    """By worker: what to call with the instant (µs) at which it is needed."""

    def committed(self, commit: Committed) -> None:
        """The writer's report: tell those who watch, and wake those who have something to do."""
        if commit.entries:
            self.hub.publish(commit.entries)
        for name, due_at in commit.wakes.items():
            waker = self.wakers.get(name)
            if waker is not None:
                waker(due_at)
