"""The stored runs of a process as a replay wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import NotFound
from trackdesk.domain.expectation import Blind
from trackdesk.domain.replay import PastRun
from trackdesk.domain.run import SUPERSEDED

if TYPE_CHECKING:
    from trackdesk.store.readers import Readers

BEFORE = 100
"""Runs before the range: they tell what was expected first, and what still ran."""

# A superseded run failed for nobody's fault and is nobody's incident.
_COLUMNS = (
    "uid, started_at, completed_at, deadline, "
    f"iif(ifnull(json_extract(error, '$.message'), '') = '{SUPERSEDED}', 'SKIPPED', status)"
)


async def newest(readers: Readers, namespace_id: int, process: str, from_at: int, limit: int) -> list[PastRun]:
    """At most `limit` runs that started at or after `from_at` (µs), and some before, newest first. Raises NotFound."""
    row = await readers.one("SELECT id FROM processes WHERE namespace_id = ? AND name = ?", (namespace_id, process))
    if row is None:
        raise NotFound(f"There is no process {process}.")
    query = (
        f"SELECT {_COLUMNS} FROM runs INDEXED BY runs_by_process WHERE process_id = ? AND started_at {{}} ? "
        "ORDER BY started_at DESC, seq DESC LIMIT ?"
    )
    inside = await readers.all(query.format(">="), (row[0], from_at, limit))
    before = await readers.all(query.format("<"), (row[0], from_at, BEFORE))
    return [PastRun(*each) for each in (*inside, *before)]


async def blind_since(readers: Readers, at: int) -> list[Blind]:
    """Times behind `at` (µs) in which trackdesk could see nothing."""
    rows = await readers.all("SELECT from_at, until_at FROM blind_times WHERE until_at > ?", (at,))
    return [Blind(*row) for row in rows]
