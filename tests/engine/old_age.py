"""Runs that ended long ago, and what deletes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.house import CALLER
from trackdesk.domain.clock import DAY, MINUTE
from trackdesk.domain.instant import format_instant
from trackdesk.domain.retention import Cleanup, Kept
from trackdesk.engine import retention
from trackdesk.engine.retention import Retention

if TYPE_CHECKING:
    from tests.engine.house import House
    from trackdesk.domain.run import Run

KEPT = Kept(runs=90 * DAY)
CLOSED = "UPDATE incidents SET status = 'CLOSED', holds = 0, opened_at = 1, closed_at = ?"


def worker(house: House, kept: Kept = KEPT) -> Retention:
    return Retention(house.clock, house.engine.writer, house.engine.readers, house.path, kept)


async def ended(house: House, days: float, process: str = "backup", status: str = "COMPLETED", **body: Any) -> Run:
    """A run of a minute that ended so many days ago."""
    at = house.now - round(days * DAY)
    run = await house.start(process, started_at=format_instant(at - MINUTE), **body)
    error = {"error": {"message": "disk full"}} if status == "FAILED" else {}
    return await house.complete(run, status, completed_at=format_instant(at), **error)


async def count_all(house: House, up_to: int | None = None) -> None:
    """As if the roll-ups had come so far."""
    instant = house.now if up_to is None else up_to
    row = "INSERT OR REPLACE INTO rollup_cursors VALUES (1, ?, ?, ?, ?)"
    await house.engine.writer.run(lambda tx: tx.execute(row, (instant,) * 4) and None)


async def execute(house: House, sql: str, *values: object, **named: object) -> None:
    await house.engine.writer.run(lambda tx: tx.execute(sql, named or values) and None)


async def clean(house: House, **body: Any) -> Any:
    return await retention.cleanup(house.engine, CALLER, Cleanup.model_validate({"older_than": "90d", **body}))


def runs_left(house: House) -> list[str]:
    return house.values("SELECT uid FROM runs ORDER BY seq")
