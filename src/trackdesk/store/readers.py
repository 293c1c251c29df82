"""The read pool: a few connections that see what is committed and can't write."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiosqlite

from trackdesk.store.errors import StoreError, translate

log = logging.getLogger(__name__)


class Readers:
    """`size` connections to the database at `path`, handed out one query at a time. Belongs to one event loop.

    Rows are `sqlite3.Row`: by position or by column name. Keep what you do with a connection short: as long as one
    reads, the write-ahead log can't be reused.
    """

    def __init__(self, path: Path, *, size: int = 3) -> None:
        self._path = path
        self._size = size
        self._connections: list[aiosqlite.Connection] = []
        self._free: asyncio.LifoQueue[aiosqlite.Connection | None] = asyncio.LifoQueue()
        self._returning: set[asyncio.Task[None]] = set()
        self._closed = True

    async def open(self) -> None:
        """Open the connections; raises `StoreError` when the file isn't there or can't be read."""
        address = f"{self._path.absolute().as_uri()}?mode=rw"  # a read-only connection couldn't take part in the WAL
        try:
            # A failed connect of aiosqlite leaves a thread that outlives the loop it reports to: find out before.
            sqlite3.connect(address, uri=True).close()
            for _ in range(self._size):
                connection = await aiosqlite.connect(
                    address, uri=True, isolation_level=None, timeout=5.0, cached_statements=512
                )
                self._connections.append(connection)
                connection.row_factory = sqlite3.Row
                for pragma in ("query_only = ON", "temp_store = MEMORY", "cache_size = -32768"):
                    await connection.execute_fetchall(f"PRAGMA {pragma}")
                self._free.put_nowait(connection)
        except sqlite3.Error as error:
            await self.close()
            message = f"could not read {self._path}: {error}"
            raise translate(error, f"read {self._path}") or StoreError(message) from error
        self._closed = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def all(self, sql: str, params: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Every row of one query."""
        async with self.connection() as connection:
            return list(await connection.execute_fetchall(sql, params))

    async def one(self, sql: str, params: Iterable[Any] = ()) -> sqlite3.Row | None:
        """The first row of one query, or None."""
        rows = await self.all(sql, params)
        return rows[0] if rows else None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection to oneself, for queries that must see the same state: begin a transaction on it.

        It comes back without one, and a query that runs when the caller is cancelled is broken off.
        """
        if self._closed:
            raise StoreError("the read pool is closed")
        connection = await self._free.get()
        if connection is None:
            self._free.put_nowait(None)  # for the next who waits
            raise StoreError("the read pool is closed")
        broken_off = False
        try:
            yield connection
        except asyncio.CancelledError:
            broken_off = True
            await connection.interrupt()
            raise
        finally:
            if connection not in self._connections:
                pass  # the pool was closed meanwhile
            elif broken_off or connection.in_transaction:
                task = asyncio.ensure_future(self._tidy(connection))
                self._returning.add(task)
                task.add_done_callback(self._returning.discard)
            else:
                self._free.put_nowait(connection)

    async def _tidy(self, connection: aiosqlite.Connection) -> None:
        """Waits behind what the connection still does; a task, because a cancelled caller can't wait for it."""
        try:
            await connection.rollback()
        except (sqlite3.Error, ValueError) as error:  # ValueError: closed meanwhile
            log.warning("a reading transaction could not be ended: %s", error)
        self._free.put_nowait(connection)

    async def close(self) -> None:
        """Let what runs finish and close every connection; their threads would keep the process alive."""
        self._closed = True
        if self._returning:
            await asyncio.gather(*self._returning)
        connections, self._connections = self._connections, []
        for connection in connections:
            await connection.close()
        self._free.put_nowait(None)
