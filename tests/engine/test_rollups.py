"""Roll-ups say what the runs say: after late reports, deletes and restarts, in every question that can be asked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.clocks import START, FakeClock, until
from tests.engine.house import CALLER, gathered, open_house
from trackdesk.domain.analytics import StatsFilter, TagStatsFilter
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_instant
from trackdesk.domain.tally import Ended, Tally
from trackdesk.engine import processes
from trackdesk.engine.rollups import Rollups
from trackdesk.store import analytics, rollup_reads, tag_analytics
from trackdesk.store.rollups import MOST_VALUES
from trackdesk.store.summary import summary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.engine.house import House
    from trackdesk.domain.analytics import Figures, Stats, TagStats
    from trackdesk.domain.run import Run

EXACT = ("count", "missed", "on_time", "problems", "missed_percent", "failed_percent", "by_status", "avg")


class Office:
    """A house with its roll-ups, which work when they are told to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.rollups = Rollups(house.clock, house.engine.writer, house.engine.readers)
        self.made = 0

    async def run(self, process: str = "backup", *, ended: int, took: int = MINUTE, **body: Any) -> Run:
        """A run that ended at `ended` and took so long (µs)."""
        status = body.pop("status", "COMPLETED")
        self.made += 1
        body.setdefault("id", f"r{self.made}-{self.house.now}")
        run = await self.house.start(process, started_at=format_instant(ended - took), **body)
        return await self.house.complete(run, status, completed_at=format_instant(ended))

    async def stats(self, **given: Any) -> Stats:
        query = StatsFilter.model_validate(given)
        return await analytics.run_stats(self.house.engine.readers, 1, query, self.house.now)

    async def tags(self, **given: Any) -> TagStats:
        query = TagStatsFilter.model_validate(given)
        return await tag_analytics.tag_stats(self.house.engine.readers, 1, query, self.house.now)

    def stored(self) -> list[tuple[Ended, str]]:
        """Every finished run with the name of its process, as another program reads it."""
        import json

        rows = self.house.rows(
            "SELECT r.*, p.name FROM runs r JOIN processes p ON p.id = r.process_id WHERE completed_at IS NOT NULL"
        )
        return [
            (
                Ended(
                    row["completed_at"],
                    row["process_id"],
                    row["status"],
                    row["deadline_status"],
                    bool(row["overdue_at_finish"]),
                    row["duration"],
                    json.loads(row["tags"]),
                ),
                row["name"],
            )
            for row in rows
        ]

    def cursors(self) -> dict[str, int]:
        (row,) = self.house.rows("SELECT * FROM rollup_cursors")
        return row


@asynccontextmanager
async def open_office(folder: Path, clock: FakeClock | None = None) -> AsyncIterator[Office]:
    async with open_house(folder, clock=clock, agenda=False) as house:
        yield Office(house)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened


def tally(runs: Sequence[Ended]) -> Tally:
    found = Tally()
    for run in runs:
        found.add(run)
    return found


def same(figures: Figures, runs: Sequence[Ended]) -> None:
    """Counts are exact, quantiles within one per cent."""
    from trackdesk.store.figures import figures as shown

    expected = shown(tally(runs), figures.group)
    assert {name: getattr(figures, name) for name in EXACT} == {name: getattr(expected, name) for name in EXACT}
    ordered = sorted(run.duration for run in runs if run.status == "COMPLETED")
    for percent in (50, 90, 95, 99):
        value = getattr(figures, f"p{percent}")
        if not ordered:
            assert value is None
            continue
        exact = ordered[-(-len(ordered) * percent // 100) - 1]
        assert abs(value - exact) <= exact * 0.0101 + 1, f"p{percent}"


async def check(office: Office) -> None:
    """Every kind of question, over all that was ever stored, against counting the runs one by one."""
    stored = office.stored()
    first = min(run.completed_at for run, _ in stored) - HOUR
    for bucket, start in (
        ("day", first),
        ("hour", max(first, office.house.now - 20 * DAY)),
        ("minute", office.house.now - 10 * HOUR),
    ):
        answer = await office.stats(**{"from": format_instant(start), "bucket": bucket})
        edges = [row.time for row in answer.data] + [answer.meta.to]
        for index, row in enumerate(answer.data):
            same(row, [run for run, _ in stored if edges[index] <= run.completed_at < edges[index + 1]])
        within = [(run, name) for run, name in stored if edges[0] <= run.completed_at < edges[-1]]
        same(answer.meta.totals[0], [run for run, _ in within])
        if bucket == "minute":
            continue
        await check_groups(office, within, **{"from": format_instant(start), "bucket": bucket})
    await check_tags(office, stored, first)


async def check_groups(office: Office, within: list[tuple[Ended, str]], **given: Any) -> None:
    by_process = await office.stats(**given, group_by="process", groups=3)
    shown = {each.group for each in by_process.meta.totals}
    for each in by_process.meta.totals:
        same(each, [run for run, name in within if (name not in shown if each.rest else name == each.group)])
    one = await office.stats(**given, process=["p1", "p2"])
    same(one.meta.totals[0], [run for run, name in within if name in {"p1", "p2"}])
    prod = await office.stats(**given, tag=["env:prod"])
    same(prod.meta.totals[0], [run for run, _ in within if run.tags.get("env") == "prod"])
    both = await office.stats(**given, tag=["env:prod"], process=["p1"])
    same(both.meta.totals[0], [run for run, name in within if run.tags.get("env") == "prod" and name == "p1"])
    by_tag = await office.stats(**given, group_by="tag", tag_key="host", groups=2)
    hosts = {each.group for each in by_tag.meta.totals}
    for each in by_tag.meta.totals:
        same(
            each,
            [
                run
                for run, _ in within
                if (host := run.tags.get("host")) is not None
                and (host not in hosts if each.rest else host == each.group)
            ],
        )


async def check_tags(office: Office, stored: list[tuple[Ended, str]], first: int) -> None:
    answer = await office.tags(**{"from": format_instant(first)})
    assert answer.meta.count == len(stored)
    for row in answer.data:
        found = tally([run for run, _ in stored if run.tags.get(row.key) == row.value])
        assert (row.count, row.problems, row.missed, row.failed) == (
            found.count, found.problems, found.missed, found.failed,
        )  # fmt: skip


async def some_run(office: Office, random: Random) -> Run:
    """Most end now; some are told late, one in ten from days ago."""
    now = office.house.now
    ended = now if random.random() < 0.7 else now - random.choice((3, 90, 4000, 90_000, 300_000)) * SECOND
    took = int(random.lognormvariate(4, 1.5) * SECOND) + 1
    body: dict[str, Any] = {"tags": {"env": random.choice(("prod", "test"))}}
    if random.random() < 0.6:
        body["tags"]["host"] = f"n{random.randrange(5)}"
    if random.random() < 0.5:
        body["deadline"] = f"{random.randrange(1, 200)}s"
    status = random.choices(("COMPLETED", "FAILED", "SKIPPED"), (8, 2, 1))[0]
    return await office.run(f"p{random.randrange(6)}", ended=ended, took=took, status=status, **body)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_roll_ups_say_what_the_runs_say(tmp_path: Path, seed: int) -> None:
    """Days of random runs, late reports, deletes, roll-ups now and then, restarts in between."""
    random, clock = Random(seed), FakeClock()
    known: list[Run] = []
    for _ in range(3):
        async with open_office(tmp_path, clock) as office:
            for _ in range(25):
                known += [await some_run(office, random) for _ in range(random.randrange(4))]
                if known and random.random() < 0.15:
                    await office.house.delete(known.pop(random.randrange(len(known))))
                clock.leap(random.choice((5, 50, 400, 3000, 20_000)) * SECOND)
                if random.random() < 0.5:
                    await office.rollups.catch_up()
            await check(office)
    async with open_office(tmp_path, clock) as office:
        clock.leap(2 * DAY)
        await office.rollups.catch_up()
        assert office.house.values("SELECT count(*) FROM rollup_corrections") == [0]
        assert office.house.values("SELECT count(*) FROM rollups WHERE level = 2") != [0]
        await check(office)


async def test_a_run_that_ends_now_leaves_no_correction(office: Office) -> None:
    await office.run(ended=office.house.now)
    office.house.clock.leap(HOUR)
    await office.rollups.catch_up()
    await office.run(ended=office.house.now)
    assert office.house.values("SELECT count(*) FROM rollup_corrections") == [0]


async def test_a_late_report_counts_at_once_and_is_worked_in_later(office: Office) -> None:
    await office.run(ended=office.house.now)
    office.house.clock.leap(3 * DAY)
    await office.rollups.catch_up()
    await office.run(ended=office.house.now - 2 * DAY)
    assert office.house.values("SELECT sign FROM rollup_corrections") == [1]
    since = format_instant(office.house.now - 4 * DAY)
    assert (await office.stats(**{"from": since, "bucket": "day"})).meta.totals[0].count == 2
    await office.rollups.catch_up()
    assert office.house.values("SELECT count(*) FROM rollup_corrections") == [0]
    assert (await office.stats(**{"from": since, "bucket": "day"})).meta.totals[0].count == 2


async def test_what_was_counted_stays_when_runs_are_deleted_for_their_age(office: Office) -> None:
    for _ in range(3):
        await office.run(ended=office.house.now, tags={"env": "prod"})
    office.house.clock.leap(3 * DAY)
    await office.rollups.catch_up()
    await office.house.engine.writer.run(lambda tx: tx.execute("DELETE FROM runs").rowcount)
    given: dict[str, Any] = {"from": format_instant(START - HOUR), "bucket": "day"}
    assert (await office.stats(**given)).meta.totals[0].count == 3
    assert (await office.stats(**given, group_by="process")).meta.totals[0].group == "backup"
    assert (await office.stats(**given, tag=["env:prod"])).meta.totals[0].count == 3


async def test_counting_that_was_broken_off_is_done_again_with_the_same_result(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_office(tmp_path, clock) as office:
        for minute in range(90):
            await office.run(ended=office.house.now, took=(minute + 1) * SECOND)
            clock.leap(MINUTE)
        count = office.rollups._write_rows

        async def breaks_off(kind: str, rows: Any) -> None:
            await count(kind, rows[:1])
            raise RuntimeError("power failure")

        office.rollups._write_rows = breaks_off  # type: ignore[method-assign]
        with pytest.raises(RuntimeError):
            await office.rollups.catch_up()
    async with open_office(tmp_path, clock) as office:
        await check(office)
        await office.rollups.catch_up()
        assert office.cursors()["hours_to"] > START
        await check(office)


async def test_a_seal_without_its_minutes_is_made_good(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_office(tmp_path, clock) as office:
        await office.run(ended=office.house.now)
        clock.leap(5 * MINUTE)

        async def breaks_off(*_: Any) -> None:
            raise RuntimeError("power failure")

        office.rollups._write_minutes = breaks_off  # type: ignore[method-assign]
        with pytest.raises(RuntimeError):
            await office.rollups.catch_up()
        assert office.cursors()["sealed_to"] > office.cursors()["minutes_to"]
        await office.run(ended=office.house.now - 4 * MINUTE)
        await check(office)
    async with open_office(tmp_path, clock) as office:
        await office.rollups.catch_up()
        assert office.house.values("SELECT count(*) FROM rollup_corrections") == [0]
        await check(office)


async def test_a_tag_with_very_many_values_is_counted_so_far_and_says_so(office: Office) -> None:
    now = office.house.now
    await gathered(
        *(office.run(ended=now, tags={"request": f"{number:05}", "env": "prod"}) for number in range(MOST_VALUES + 20))
    )
    office.house.clock.leap(2 * HOUR)
    await office.rollups.catch_up()
    assert office.house.values("SELECT count(*) FROM rollup_series WHERE kind = 'tag' AND key = 'request'") == [
        MOST_VALUES
    ]
    by_request = await office.stats(group_by="tag", tag_key="request", bucket="day")
    assert by_request.meta.groups_capped
    assert sum(each.count for each in by_request.meta.totals) == MOST_VALUES + 20
    assert (await office.tags()).meta.capped == ["request"]
    left_out = f"request:{MOST_VALUES + 19:05}"
    assert (await office.stats(tag=[left_out])).meta.totals[0].count == 1
    assert not (await office.stats(group_by="tag", tag_key="env")).meta.groups_capped


async def test_values_that_nobody_has_any_more_give_way(office: Office) -> None:
    now = office.house.now
    await gathered(*(office.run(ended=now, tags={"build": f"{number}"}) for number in range(MOST_VALUES)))
    office.house.clock.leap(40 * DAY)
    await office.rollups.catch_up()
    for _ in range(3):
        await office.run(ended=office.house.now, tags={"build": "new"})
        office.house.clock.leap(2 * HOUR)
        await office.rollups.catch_up()
    assert office.house.values("SELECT value FROM rollup_series WHERE kind = 'tag'") == ["new"]


async def test_percentiles_of_a_process_are_kept_fresh(office: Office) -> None:
    for seconds in range(1, 101):
        await office.run(ended=office.house.now, took=seconds * SECOND)
    office.house.clock.leap(2 * MINUTE)
    await office.rollups.catch_up()
    (row,) = office.house.rows("SELECT p50, p90, p99 FROM processes")
    for name, exact in (("p50", 50), ("p90", 90), ("p99", 99)):
        assert abs(row[name] - exact * SECOND) <= exact * SECOND * 0.0101


async def test_the_worker_counts_a_minute_when_it_is_over(office: Office) -> None:
    await office.rollups.start()
    try:
        await until(lambda: office.house.clock.waiting > 0)
        await office.run(ended=office.house.now)
        await office.house.clock.advance(2 * MINUTE)
        await until(lambda: office.house.values("SELECT count(*) FROM rollup_minutes") == [1])
        assert office.rollups.health().ok
    finally:
        await office.rollups.stop()


async def test_minutes_of_all_runs_are_dropped_after_a_while(office: Office) -> None:
    await office.run(ended=office.house.now)
    office.house.clock.leap(2 * DAY)
    await office.rollups.catch_up()
    assert office.house.values("SELECT count(*) FROM rollups WHERE level = 0") == [1]
    await office.run(ended=office.house.now)
    office.house.clock.leap(20 * DAY)
    await office.run(ended=office.house.now)
    office.house.clock.leap(2 * DAY)
    await office.rollups.catch_up()
    assert office.house.values("SELECT count(*) FROM rollups WHERE level = 0") == [1]
    assert office.house.values("SELECT sum(completed) FROM rollups WHERE level = 2 AND series_id = 1") == [3]


async def test_nothing_is_counted_before_the_first_run_ends(office: Office) -> None:
    await office.house.start()
    await office.rollups.catch_up()
    assert office.house.rows("SELECT * FROM rollup_cursors") == []
    async with office.house.engine.readers.connection() as connection:
        assert await rollup_reads.counted(connection, 1) == (0, 0, 0)


async def test_the_summary_of_a_day_is_right_to_the_second(office: Office) -> None:
    for hour in range(30):
        await office.run(ended=office.house.now, status="FAILED" if hour % 3 == 0 else "COMPLETED", deadline="30s")
        await office.run(ended=office.house.now, deadline="2h")
        office.house.clock.leap(HOUR)
        if hour == 28:
            await office.run(ended=office.house.now - 5 * MINUTE)
            await office.rollups.catch_up()
    await office.run(ended=office.house.now - 26 * HOUR)
    await office.run(ended=office.house.now - 3 * HOUR)
    runs = (await summary(office.house.engine.readers, CALLER, office.house.now)).runs
    day = [run for run, _ in office.stored() if run.completed_at >= office.house.now - DAY]
    assert runs.completed_24h == sum(run.status == "COMPLETED" for run in day)
    assert runs.failed_24h == sum(run.status == "FAILED" for run in day)
    assert runs.completed_on_time_24h == sum(run.deadline_status == "COMPLETED_ON_TIME" for run in day)
    assert runs.completed_late_24h == sum(run.deadline_status == "COMPLETED_LATE" for run in day)


async def test_what_is_deleted_with_its_process_is_taken_out(office: Office) -> None:
    for process in ("kept", "gone"):
        await office.run(process, ended=office.house.now, tags={"of": process})
    office.house.clock.leap(3 * DAY)
    await office.rollups.catch_up()
    await processes.delete(office.house.engine, CALLER, "gone")
    given: dict[str, Any] = {"from": format_instant(START - HOUR), "bucket": "day"}
    for _ in range(2):
        assert [each.group for each in (await office.stats(**given, group_by="process")).meta.totals] == ["kept"]
        assert [each.value for each in (await office.tags(**{"from": given["from"]})).data] == ["kept"]
        await office.rollups.catch_up()
    assert office.house.values("SELECT count(*) FROM rollup_corrections") == [0]
