"""What the evaluation of rules writes, and what it goes on from after a restart or a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clocks import until
from tests.engine.house import CALLER, open_house
from tests.engine.ruled import draft, rule, send
from trackdesk.domain.clock import HOUR, SECOND
from trackdesk.engine import metrics

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.engine.house import House


async def test_a_sample_that_changes_nothing_writes_nothing(house: House) -> None:
    await rule(house)
    await send(house, 100)
    before = house.values("SELECT value FROM facts WHERE name = 'rules_cursor'")
    await send(house, 100, 100, 100)
    assert house.values("SELECT value FROM facts WHERE name = 'rules_cursor'") == before
    await house.pass_time(10)
    assert house.values("SELECT value FROM facts WHERE name = 'rules_cursor'") == ["4"]


async def test_repeats_are_written_once_a_second(house: House) -> None:
    await rule(house)
    await send(house, 200, 200)
    for _ in range(10):
        await metrics.record(house.engine, CALLER, [draft(200)])
        await house.settled()
    assert house.values("SELECT occurrences FROM incidents") == [3]
    await house.pass_time(1)
    assert house.values("SELECT occurrences FROM incidents") == [12]


async def test_a_write_touches_only_those_uncounted_repeats_that_are_new(house: House) -> None:
    await rule(house)
    for name in ("a", "b", "c"):
        await send(house, 200, service=name)
    notes = "CREATE TABLE notes (service TEXT)"
    note = "CREATE TRIGGER note AFTER INSERT ON rule_uncounted BEGIN INSERT INTO notes VALUES (new.service); END"
    for sql in (notes, note):
        await house.engine.writer.run(lambda tx, sql=sql: tx.execute(sql).rowcount)  # type: ignore[misc]
    await metrics.record(house.engine, CALLER, [draft(200, "a")])
    await house.settled()  # from here on a second is gathered
    for repeating, opening in (("a", "d"), ("b", "e"), ("a", "f")):
        await metrics.record(house.engine, CALLER, [draft(200, repeating), draft(200, opening)])
        await house.settled()
    assert house.values("SELECT service FROM notes") == ["a", "b", "a"]
    assert house.values("SELECT times FROM rule_uncounted ORDER BY service") == [2, 1]
    await house.pass_time(1)
    assert house.values("SELECT count(*) FROM rule_uncounted") == [0]
    assert house.values("SELECT occurrences FROM incidents ORDER BY service") == [4, 2, 1, 1, 1, 1]


async def test_a_write_that_fails_is_made_up_for_and_no_sample_counts_twice(house: House) -> None:
    await rule(house)
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON incidents BEGIN SELECT RAISE(ABORT, 'not now'); END"
    await house.engine.writer.run(lambda tx: tx.execute(refuse).rowcount)
    await metrics.record(house.engine, CALLER, [draft(200), draft(200)])
    await until(lambda: not house.rules.health().ok)
    await metrics.record(house.engine, CALLER, [draft(200)])
    await house.engine.writer.run(lambda tx: tx.execute("DROP TRIGGER refuse").rowcount)

    async def well() -> bool:
        await house.clock.advance(SECOND)
        return house.rules.health().ok and house.values("SELECT occurrences FROM incidents") == [3]

    await until(well)


async def test_what_is_pending_goes_on_over_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, **{"for": "5m"})
        await send(house, 200, 200, 200)
        clock = house.clock
    async with open_house(tmp_path, clock=clock) as house:
        await send(house, 200)
        await house.pass_time(300)
        assert house.values("SELECT occurrences FROM incidents") == [4]


async def test_a_window_is_whole_after_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, aggregate="count", window="1m", operator=">=", threshold=5)
        await send(house, 1, 1, 1, 1)
        clock = house.clock
    async with open_house(tmp_path, clock=clock) as house:
        assert house.incidents() == []
        await send(house, 1)
        assert house.values("SELECT title FROM incidents") == [
            "LATENCY_MS of payments came 5 times within 1m (5 or more)"
        ]


async def test_windows_of_many_series_are_whole_after_a_restart(tmp_path: Path) -> None:
    services = [f"s{number}" for number in range(5)]
    counting = {"aggregate": "count", "operator": ">="}
    async with open_house(tmp_path) as house:
        await rule(house, "short", window="10s", threshold=2, **counting)
        await rule(house, "long", window="1m", threshold=4, **counting)
        for ago in (50, 40, 30):
            drafts = [draft(1, each, house.now - ago * SECOND) for each in services]
            await metrics.record(house.engine, CALLER, drafts)
        await house.settled()
        clock = house.clock
    async with open_house(tmp_path, clock=clock) as house:
        await metrics.record(house.engine, CALLER, [draft(1, each) for each in services])
        await house.settled()
        assert house.values("SELECT service FROM incidents WHERE rule = 'long' ORDER BY 1") == services
        assert house.values("SELECT count(*) FROM incidents WHERE rule = 'short'") == [0]


async def test_after_the_clock_was_set_back_and_a_restart_a_window_has_no_more_than_it_had_before(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, aggregate="count", window="1m", operator=">=", threshold=4)
        for ago in (3000, 2000, 1000, 30):
            await send(house, 1, at=house.now - ago * SECOND)
        clock = house.clock
    clock.jump(-HOUR)
    async with open_house(tmp_path, clock=clock) as house:
        await send(house, 1, 1)
        assert house.incidents() == []  # the one of half a minute ago and these two
        await send(house, 1)
        assert len(house.incidents()) == 1


async def test_samples_of_before_the_clock_was_set_back_do_not_count_where_others_came_since(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, aggregate="count", window="1m", operator=">=", threshold=3)
        await send(house, 1, 1)
        house.clock.jump(-HOUR)
        await house.pass_time(90)
        await send(house, 1)
        clock = house.clock
    async with open_house(tmp_path, clock=clock) as house:
        await send(house, 1)
        assert house.incidents() == []


async def test_samples_that_were_committed_and_not_evaluated_count_once_after_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house)
        await send(house, 200, 200)
        clock = house.clock
    async with open_house(tmp_path, clock=clock, agenda=False) as house:  # nobody evaluates
        await metrics.record(house.engine, CALLER, [draft(200), draft(200), draft(200)])
    async with open_house(tmp_path, clock=clock) as house:
        await house.pass_time(1)
        assert house.values("SELECT occurrences FROM incidents") == [5]


async def test_when_too_many_wait_they_are_read_from_the_store(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from trackdesk.engine import rules as worker

    monkeypatch.setattr(worker, "MOST_WAITING", 10)
    monkeypatch.setattr(worker, "READ", 50)
    await rule(house)
    for _ in range(20):
        await metrics.record(house.engine, CALLER, [draft(200)] * 30)
    await house.pass_time(2)
    assert house.values("SELECT occurrences FROM incidents") == [600]
    assert house.rules.totals["read_back"] >= 30
