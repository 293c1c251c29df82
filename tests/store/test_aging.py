"""What is old is found by index, whatever else is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.clock import DAY, HOUR
from trackdesk.store import aging, sizes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trackdesk.store.readers import Readers

LARGE = {"runs", "r", "journal", "logs", "l", "notifications", "n", "incidents", "i", "deliveries", "d"}


async def gathered(found: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in found]


def counted(house: House, until: int = NOW) -> None:
    house.insert(
        "rollup_cursors", namespace_id=DEFAULT, sealed_to=until, minutes_to=until, hours_to=until, days_to=until
    )


@pytest.fixture
def old(house: House) -> House:
    counted(house)
    for number in range(5):
        house.run(status="COMPLETED", started_at=NOW - (100 - number) * DAY, process=f"p{number % 2}", tags={"a": "b"})
    house.run(started_at=NOW - 200 * DAY)
    return house


async def test_nothing_large_is_scanned_to_find_what_is_old(old: House, readers: Readers) -> None:
    incident = old.incident(status="CLOSED", opened_at=5, closed_at=6)
    old.notification(incident_id=incident, created_at=5)
    old.journal("runs", "started", "nobody", at=5)
    statements: list[str] = []
    async with readers.connection() as connection:
        await connection.set_trace_callback(statements.append)
    due = await aging.processes(readers, NOW, DAY)
    assert await gathered(aging.old_runs(readers, due))
    await aging.next_old(readers, due)
    assert await gathered(aging.old_notifications(readers, None, NOW))
    assert await gathered(aging.old_incidents(readers, DEFAULT, NOW))
    assert await gathered(aging.old_entries(readers, 0, NOW))
    await aging.trimmed_to(readers)
    await aging.left_behind(readers)
    await sizes.sizes(readers, old.path)
    async with readers.connection() as connection:
        await connection.set_trace_callback(None)  # type: ignore[arg-type]
    steps = [step for sql in statements if sql.startswith("SELECT") for step in old.plan(sql, ())]
    scanned = {step for step in steps if step.startswith("SCAN") and step.split()[1] in LARGE}
    assert {step for step in scanned if not step.startswith("SCAN incidents USING COVERING INDEX")} == set(), steps
    assert any("runs_by_process (process_id=? AND started_at>? AND started_at<?)" in step for step in steps)


async def test_runs_come_in_the_order_in_which_they_were_stored(old: House, readers: Readers) -> None:
    due = await aging.processes(readers, NOW, 90 * DAY)
    [seqs] = await gathered(aging.old_runs(readers, due))
    assert seqs == sorted(seqs) == [1, 2, 3, 4, 5]


async def test_windows_over_long_and_dense_times_find_each_run_once(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aging, "WINDOW", 3)
    counted(house)
    dense = [house.run(status="COMPLETED", started_at=NOW - 300 * DAY) for _ in range(10)]
    sparse = [house.run(status="COMPLETED", started_at=NOW - 290 * DAY + number * 20 * DAY) for number in range(9)]
    due = await aging.processes(readers, NOW, 90 * DAY)
    chunks = await gathered(aging.old_runs(readers, due))
    assert [seq for chunk in chunks for seq in chunk] == dense + sparse
    assert max(map(len, chunks)) == 3


async def test_a_run_that_ended_at_the_very_instant_is_not_old_yet(house: House, readers: Readers) -> None:
    counted(house)
    house.run(status="COMPLETED", started_at=NOW - DAY - HOUR, completed_at=NOW - DAY)
    due = await aging.processes(readers, NOW, DAY)
    assert await gathered(aging.old_runs(readers, due)) == []
    due = await aging.processes(readers, NOW, DAY - 1)
    assert await gathered(aging.old_runs(readers, due)) == [[1]]


async def test_sizes_are_those_of_the_file_and_what_fills_it(old: House, readers: Readers) -> None:
    old.connection.execute("UPDATE processes SET total = (SELECT count(*) FROM runs WHERE process_id = processes.id)")
    old.log(1, "a")
    old.log(1, "b")
    found = await sizes.sizes(readers, old.path)
    nothing = dict.fromkeys(("incidents", "notifications", "deliveries", "journal", "samples"), 0)
    assert found.rows == {"runs": 6, "logs": 2, **nothing}
    assert found.oldest_run == NOW - 200 * DAY
    assert found.log > 0
