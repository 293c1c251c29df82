"""A writer over a database of notes, and operations that wait for it together."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.store.notes_database import clock
from trackdesk.store.writer import Tx, Writer


@asynccontextmanager
async def writing(path: Path, **options: Any) -> AsyncIterator[Writer]:
    writer = Writer(path, clock=clock, **options)
    writer.start()
    try:
        yield writer
    finally:
        await writer.aclose()


class Gate:
    """An operation that holds the writer until it is opened, so that what follows queues up."""

    def __init__(self, writer: Writer) -> None:
        self._opened = threading.Event()
        self._reached = threading.Event()
        self._task = asyncio.ensure_future(writer.run(self._wait))

    def _wait(self, tx: Tx) -> None:
        self._reached.set()
        assert self._opened.wait(30)

    async def reached(self) -> None:
        await asyncio.to_thread(self._reached.wait, 30)

    async def open(self) -> None:
        self._opened.set()
        await self._task


async def queued(writer: Writer, *operations: Any) -> list[Any]:
    """What comes of operations that waited together for one batch."""
    gate = Gate(writer)
    await gate.reached()
    tasks = [asyncio.ensure_future(each) for each in operations]
    await asyncio.sleep(0)
    await gate.open()
    return await asyncio.gather(*tasks, return_exceptions=True)
