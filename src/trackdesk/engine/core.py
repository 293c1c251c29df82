"""What every operation needs, and what is done with each commit."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackdesk.store.depot import Depot, depot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trackdesk.domain.clock import Clock
    from trackdesk.domain.metric import Recorded
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
    recorded: list[Callable[[Sequence[Recorded]], None]] = field(default_factory=list)
    """What to call on the event loop with the samples that were committed, each once, in the order of their ids. It
    must be quick and must not raise."""
    handed: deque[list[Recorded]] = field(default_factory=deque)
    """Committed samples on their way there; filled by the writer's thread."""

    depot: Depot = field(init=False)
    """The files of attachments."""

    def __post_init__(self) -> None:
        self.depot = depot_of(self.path)

    def committed(self, commit: Committed) -> None:
        """The writer's report: tell those who watch, and wake those who have something to do."""
        if commit.entries:
            self.hub.publish(commit.entries)
        for name, due_at in commit.wakes.items():
            waker = self.wakers.get(name)
            if waker is not None:
                waker(due_at)
        if self.handed:
            self._hand_over()

    def _hand_over(self) -> None:
        """The samples go by way of the commit, not of whoever sent them: a sender that hangs up takes nothing back."""
        samples: list[Recorded] = []
        while self.handed:
            samples += self.handed.popleft()
        for take in self.recorded:
            take(samples)
        if self.hub.watched:
            for namespace_id, service in {(each.series.namespace_id, each.series.service) for each in samples}:
                self.hub.tick(namespace_id, "metrics", service)
