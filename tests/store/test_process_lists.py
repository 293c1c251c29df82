"""Processes: their state, their counts and how their last runs went."""

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import Invalid, NotFound
from trackdesk.domain.filters import ProcessFilter
from trackdesk.store import process_lists
from trackdesk.store.readers import Readers


async def names(readers: Readers, **given) -> list[str]:
    return [each.name for each in (await process_lists.page(readers, DEFAULT, ProcessFilter(**given), NOW)).data]


@pytest.fixture
def company(house: House) -> House:
    """One process of each state."""
    house.process("late", active=1, failed=1, department="ops", category="night")
    house.run("late", status="FAILED")
    house.run("late", deadline_status="MISSED")
    house.process("silent", active=1)
    house.run("silent", stalled=1)
    house.process("failing", failed=1, completed=1, active=1, service="web")
    house.run("failing", status="COMPLETED")
    house.run("failing", status="FAILED")
    house.run("failing")
    house.process("mended", failed=1, completed=1)
    house.run("mended", status="FAILED", deadline_status="MISSED")
    house.run("mended", status="COMPLETED")
    house.process("running", active=1, description="copies everything")
    house.run("running", deadline_status="WARNING")
    house.process("new")
    house.process("missing", missing_since=NOW, expected_at=NOW, failed=1, active=1, schedule='{"every":60000000}')
    house.run("missing", deadline_status="MISSED")
    house.process("paused", paused_at=NOW, paused_by="alice", missing_since=NOW)
    return house


async def test_the_state_follows_from_the_runs(company: House, readers: Readers) -> None:
    page = await process_lists.page(readers, DEFAULT, ProcessFilter(), NOW)
    assert {each.name: each.state for each in page.data} == {
        "late": "LATE",
        "silent": "LATE",
        "failing": "FAILING",
        "mended": "OK",
        "running": "RUNNING",
        "new": "OK",
        "missing": "MISSING",
        "paused": "PAUSED",
    }
    assert (await process_lists.get(readers, DEFAULT, "failing")).state == "FAILING"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"state": ["LATE"]}, ["late", "silent"]),
        ({"state": ["ok", "running"]}, ["mended", "new", "running"]),
        ({"q": "-state:ok"}, ["failing", "late", "missing", "paused", "running", "silent"]),
        ({"state": ["missing", "paused"]}, ["missing", "paused"]),
        ({"q": "expected:<1h"}, ["missing"]),
        ({"q": "ran:>1h"}, []),
        ({"department": ["ops"]}, ["late"]),
        ({"service": ["web"]}, ["failing"]),
        ({"category": ["night"], "state": ["OK"]}, []),
        ({"q": "name:l*"}, ["late"]),
        ({"q": "-name:l* -name:silent state:late"}, []),
        ({"search": "copies"}, ["running"]),
        ({"q": "ing -fail -miss"}, ["running"]),
        ({"sort": "-name", "limit": 2}, ["silent", "running"]),
        ({"sort": "next_expected_at", "limit": 1}, ["missing"]),
        ({"sort": "-next_expected_at", "limit": 1}, ["missing"]),
    ],
)
async def test_a_filter_lets_through_what_it_names(company: House, readers: Readers, given, expected) -> None:
    assert await names(readers, **given) == expected


@pytest.mark.parametrize(
    "sort", ["name", "-name", "last_run_at", "-last_run_at", "next_expected_at", "-next_expected_at"]
)
async def test_pages_lead_through_every_process_once_and_what_never_ran_comes_last(
    house: House, readers: Readers, sort: str
) -> None:
    for number in range(7):
        at = NOW + number % 3 if number % 2 else None
        house.process(f"p{number}", last_run_at=at, expected_at=at)
    found: list[str] = []
    cursor = None
    while True:
        page = await process_lists.page(readers, DEFAULT, ProcessFilter(sort=sort, limit=2, cursor=cursor), NOW)
        found += [each.name for each in page.data]
        cursor = page.meta.next
        if cursor is None:
            break
    assert found == await names(readers, sort=sort)
    assert sorted(found) == [f"p{number}" for number in range(7)]
    assert page.meta.total == 7
    if "name" not in sort:
        assert set(found[-4:]) == {"p0", "p2", "p4", "p6"}


async def test_a_process_tells_its_last_twenty_runs_newest_first(house: House, readers: Readers) -> None:
    for number in range(25):
        late = "COMPLETED_LATE" if number == 24 else None
        house.run("backup", status="COMPLETED", deadline_status=late, duration=number * SECOND)
    house.run("other")
    (process,) = (await process_lists.page(readers, DEFAULT, ProcessFilter(q="name:backup"), NOW)).data
    assert [each.duration for each in process.recent] == [number * SECOND for number in range(24, 4, -1)]
    assert [each.late for each in process.recent[:2]] == [True, False]


async def test_a_list_that_is_read_again_tells_what_became_of_a_run(house: House, readers: Readers) -> None:
    run = house.run("backup")
    (before,) = (await process_lists.page(readers, DEFAULT, ProcessFilter(), NOW)).data
    house.connection.execute(
        "UPDATE runs SET status = 'COMPLETED', deadline_status = 'COMPLETED_LATE', duration = ? WHERE seq = ?",
        (SECOND, run),
    )
    (after,) = (await process_lists.page(readers, DEFAULT, ProcessFilter(), NOW)).data
    assert [(each.status, each.late, each.duration) for each in (*before.recent, *after.recent)] == [
        ("ACTIVE", False, None),
        ("COMPLETED", True, SECOND),
    ]


async def test_percentiles_are_those_that_the_roll_ups_keep(house: House, readers: Readers) -> None:
    house.process("backup", completed=101, failed=1, p50=50, p90=90, p99=99)
    counts = (await process_lists.get(readers, DEFAULT, "backup")).runs
    assert (counts.p50, counts.p90, counts.p99) == (50, 90, 99)
    assert counts.success_rate == pytest.approx(101 / 102)
    (listed,) = (await process_lists.page(readers, DEFAULT, ProcessFilter(), NOW)).data
    assert listed.runs.p90 == 90


async def test_an_unknown_process_is_not_found(house: House, readers: Readers) -> None:
    house.process("backup", namespace_id=house.namespace("other"))
    with pytest.raises(NotFound):
        await process_lists.get(readers, DEFAULT, "backup")


async def test_the_list_reads_states_and_outcomes_by_index(company: House) -> None:
    steps = company.plan(f"SELECT {process_lists.STATE} FROM processes p WHERE p.namespace_id = 1 ORDER BY p.name", ())
    text = " ".join(steps)
    assert "runs_late" in text
    assert "runs_by_outcome" in text
    assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step], steps


async def test_a_cursor_of_another_sort_is_refused(company: House, readers: Readers) -> None:
    cursor = (await process_lists.page(readers, DEFAULT, ProcessFilter(limit=1), NOW)).meta.next
    with pytest.raises(Invalid, match="sorted by name"):
        await process_lists.page(readers, DEFAULT, ProcessFilter(cursor=cursor, sort="-name"), NOW)
