"""Every allowed pair of filter and sort walks its index: nothing is scanned, nothing is sorted."""

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.clock import DAY, HOUR
from trackdesk.domain.filters import RunFilter
from trackdesk.store import run_lists
from trackdesk.store.keyset import Listed, page_sql
from trackdesk.store.readers import Readers
from trackdesk.store.run_plans import ALLOWED, plan_runs
from trackdesk.store.run_wanted import By, wanted_runs

FILTERS = {
    None: {},
    By.STALLED: {"stalled": True},
    By.TAG: {"tag": ["env:prod"]},
    By.PROCESS: {"process": ["backup"]},
    By.DEADLINE_STATUS: {"deadline_status": ["MISSED", "COMPLETED_LATE"]},
    By.SERVICE: {"service": ["web", "db"]},
    By.CATEGORY: {"category": ["night"]},
    By.STATUS: {"status": ["ACTIVE"]},
}


def checked(house: House, listed: Listed, position: list[int] | None) -> list[str]:
    if not listed.walks:
        return []
    at = position[-len(listed.walks[0].order) :] if position else None
    query = page_sql(listed, at, 51)
    steps = house.plan(query.sql, query.params)
    assert not [step for step in steps if step.startswith(("SCAN r", "SCAN t"))], steps
    return steps


@pytest.fixture
def many(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Every filter lets through more rows than are sorted."""
    monkeypatch.setattr("trackdesk.store.run_plans.FEW", 0)
    columns = {"tags": {"env": "prod"}, "service": "web", "category": "night", "deadline": NOW}
    house.run(stalled=1, deadline_status="MISSED", **columns)
    house.run(status="COMPLETED", deadline_status="COMPLETED_LATE", **columns)
    return house


@pytest.mark.parametrize("position", [None, [NOW, 5]], ids=["first page", "later page"])
@pytest.mark.parametrize("down", ["", "-"], ids=["up", "down"])
@pytest.mark.parametrize(("by", "column"), ALLOWED)
async def test_a_pair_walks_the_index_that_the_table_names(
    many: House, readers: Readers, by: By | None, column: str, down: str, position: list[int] | None
) -> None:
    given = RunFilter(**FILTERS[by], sort=down + column)
    wanted = await wanted_runs(readers, DEFAULT, given, NOW)
    plan = await plan_runs(readers, wanted, given.sort)
    steps = checked(many, plan.values, position)
    if plan.values.walks:
        assert any(ALLOWED[by, column] in step for step in steps), steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


@pytest.mark.parametrize("down", ["", "-"])
@pytest.mark.parametrize("by", [By.STATUS, None, By.DEADLINE_STATUS])
async def test_what_has_no_value_is_walked_as_well(many: House, readers: Readers, by: By, down: str) -> None:
    given = RunFilter(**FILTERS[by], sort=f"{down}completed_at")
    plan = await plan_runs(readers, await wanted_runs(readers, DEFAULT, given, NOW), given.sort)
    assert plan.nulls is not None
    assert not [step for step in checked(many, plan.nulls, [NOW, 5]) if "TEMP B-TREE" in step]


async def test_active_runs_without_a_deadline_are_walked_by_the_same_index(many: House, readers: Readers) -> None:
    given = RunFilter(status=["ACTIVE"], sort="deadline")
    plan = await plan_runs(readers, await wanted_runs(readers, DEFAULT, given, NOW), given.sort)
    assert plan.nulls is not None
    steps = checked(many, plan.nulls, [5])
    assert any("runs_by_deadline" in step for step in steps)
    assert not [step for step in steps if "TEMP B-TREE" in step]


async def test_failures_of_a_process_have_an_index_of_their_own(many: House, readers: Readers) -> None:
    given = RunFilter(process=["backup"], status=["FAILED", "SKIPPED"])
    plan = await plan_runs(readers, await wanted_runs(readers, DEFAULT, given, NOW), given.sort)
    steps = checked(many, plan.values, [NOW, 5])
    assert any("runs_by_outcome" in step for step in steps)
    assert not [step for step in steps if "TEMP B-TREE" in step]


async def test_the_rarest_tag_leads(house: House, readers: Readers) -> None:
    house.run(tags={"env": "prod"})
    house.run(tags={"env": "prod", "team": "a"})
    given = RunFilter(tag=["env:prod", "team:a"])
    wanted = await wanted_runs(readers, DEFAULT, given, NOW)
    (lead,) = house.connection.execute("SELECT key FROM tags WHERE id = ?", wanted.tags[0]).fetchone()
    assert lead == "team"


async def test_a_search_reads_no_more_than_it_found(many: House, readers: Readers) -> None:
    given = RunFilter(search="uid0")
    plan = await plan_runs(readers, await wanted_runs(readers, DEFAULT, given, NOW), given.sort)
    assert any("INTEGER PRIMARY KEY" in step for step in checked(many, plan.values, None))


async def test_of_two_open_ranges_the_one_of_those_that_ended_is_walked_when_few_did(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in (3, 4, 5, 1):
        house.run(status="COMPLETED", started_at=NOW - days * DAY, duration=HOUR)
    assert await walked(house, readers, monkeypatch, "started:<2d duration:>10m") == ("runs_by_completion", [HOUR])


async def test_of_two_open_ranges_the_one_of_durations_is_walked_when_few_took_that_long(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in (1, 3, 1, 1):
        house.run(status="COMPLETED", started_at=NOW - DAY, duration=hours * HOUR)
    assert await walked(house, readers, monkeypatch, "started:<2d duration:>2h") == ("runs_by_duration", [3 * HOUR])


async def test_two_open_ranges_with_many_runs_in_each_are_walked_by_the_start(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in (1, 3):
        house.run(status="COMPLETED", started_at=NOW - DAY, duration=hours * HOUR)
    assert (await walked(house, readers, monkeypatch, "started:<2d duration:>10m"))[0] == "runs_by_start"
    assert await walked(house, readers, monkeypatch, "started:<2d duration:<2h") == ("runs_by_start", [HOUR])


async def walked(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch, q: str
) -> tuple[str, list[int | None]]:
    """The index that leads, and the durations that are found, where more than one is many."""
    monkeypatch.setattr("trackdesk.store.run_plans.FEW", 1)
    given = RunFilter(q=q)
    plan = await plan_runs(readers, await wanted_runs(readers, DEFAULT, given, NOW), given.sort)
    steps = " ".join(checked(house, plan.values, [NOW, 5]))
    page = await run_lists.page(readers, DEFAULT, given, NOW)
    assert page.meta.total == len(page.data)
    names = ("runs_by_completion", "runs_by_duration", "runs_by_start")
    return next(name for name in names if name in steps), [run.duration for run in page.data]
