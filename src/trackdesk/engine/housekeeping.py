"""What is tidied up now and then, in small steps, so that nothing grows without bound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.retention import BLIND_TIMES_KEPT
from trackdesk.domain.silence import ENDED_KEPT
from trackdesk.engine import attachments
from trackdesk.engine.workers import Supervised
from trackdesk.store import blind, ingest_uids, once, silences

if TYPE_CHECKING:
    from trackdesk.domain.clock import Clock
    from trackdesk.store.depot import Depot
    from trackdesk.store.writer import Writer

INTERVAL = MINUTE
STEP = 500


class Housekeeping(Supervised):
    """Forgets first answers and the names of lines after a day and blind times after a month, and removes the files of
    attachments that are gone."""

    name = "housekeeping"

    def __init__(self, clock: Clock, writer: Writer, depot: Depot) -> None:
        super().__init__(clock)
        self._writer = writer
        self._depot = depot
        self._never = asyncio.Event()

    async def _work(self) -> None:
        while True:
            while await self._writer.run(lambda tx: once.forget_old(tx, STEP)) == STEP:
                pass
            while await self._writer.run(lambda tx: ingest_uids.forget_old(tx, STEP)) == STEP:
                pass
            while await self._writer.run(lambda tx: silences.forget_old(tx, tx.now - ENDED_KEPT, STEP)):
                pass
            await self._writer.run(lambda tx: blind.forget_before(tx, tx.now - BLIND_TIMES_KEPT))
            await attachments.sweep(self._writer, self._depot)
            self._well()
            await self._clock.wait(self._never, INTERVAL)
