"""The list of runs: what each filter lets through, in which order, page by page."""

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.errors import Invalid, NotFound
from trackdesk.domain.filters import RunFilter
from trackdesk.domain.run import RunAddress
from trackdesk.store import run_lists
from trackdesk.store.readers import Readers


async def ids(readers: Readers, *, namespace_id: int = DEFAULT, now: int = NOW, **given) -> list[str]:
    page = await run_lists.page(readers, namespace_id, RunFilter(**given), now)
    return [run.id for run in page.data]


async def walk(readers: Readers, limit: int, **given) -> list[str]:
    """All pages, one after the other."""
    found: list[str] = []
    cursor = None
    for _ in range(100):
        page = await run_lists.page(readers, DEFAULT, RunFilter(limit=limit, cursor=cursor, **given), NOW)
        assert len(page.data) <= limit
        found += [run.id for run in page.data]
        cursor = page.meta.next
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


async def test_runs_come_newest_first(house: House, readers: Readers) -> None:
    house.runs_by_id("a", "b", "c")
    assert await ids(readers) == ["c", "b", "a"]
    assert await ids(readers, sort="started_at") == ["a", "b", "c"]


async def test_a_namespace_sees_only_its_own_runs(house: House, readers: Readers) -> None:
    other = house.namespace("other")
    house.runs_by_id("a", status="FAILED", error="disk full", tags={"env": "prod"}, service="web", category="x")
    house.runs_by_id("b", namespace_id=other, status="FAILED", error="disk full", tags={"env": "prod"}, service="web")
    for given in ({}, {"search": "disk"}, {"tag": ["env:prod"]}, {"service": ["web"]}, {"id": ["a", "b"]}):
        assert await ids(readers, **given) == ["a"], given
        assert await ids(readers, namespace_id=other, **given) == ["b"], given
    assert await ids(readers, namespace_id=other, process=["backup"]) == ["b"]


@pytest.mark.parametrize("sort", ["started_at", "-started_at", "completed_at", "-completed_at"])
async def test_pages_lead_through_every_run_once(house: House, readers: Readers, sort: str) -> None:
    for number in range(23):
        finished = {"status": "COMPLETED", "completed_at": NOW + number % 5 * SECOND, "duration": 1}
        house.run(id=f"r{number}", started_at=NOW + number % 3, **(finished if number % 4 else {}))
    found = await walk(readers, 5, sort=sort)
    assert sorted(found) == sorted(f"r{number}" for number in range(23))
    assert found == await ids(readers, sort=sort)


async def test_runs_without_a_value_come_last_both_ways(house: House, readers: Readers) -> None:
    house.run(id="early", status="COMPLETED", completed_at=NOW, duration=1)
    house.run(id="active")
    house.run(id="late", status="COMPLETED", completed_at=NOW + HOUR, duration=1)
    assert await walk(readers, 1, sort="completed_at") == ["early", "late", "active"]
    assert await walk(readers, 1, sort="-completed_at") == ["late", "early", "active"]


async def test_the_next_deadline_comes_first_and_runs_without_one_last(house: House, readers: Readers) -> None:
    house.run(id="none")
    house.run(id="later", deadline=NOW + HOUR)
    house.run(id="soon", deadline=NOW + MINUTE)
    house.run(id="none2")
    house.run(id="done", deadline=NOW, status="COMPLETED")
    assert await walk(readers, 1, sort="deadline", status=["ACTIVE"]) == ["soon", "later", "none", "none2"]
    assert await walk(readers, 2, sort="-deadline", status=["ACTIVE"]) == ["later", "soon", "none2", "none"]


async def test_durations_are_sorted_within_a_process(house: House, readers: Readers) -> None:
    for number, duration in enumerate([30, 10, 20]):
        house.run("backup", id=f"b{number}", status="COMPLETED", duration=duration)
    house.run("backup", id="active")
    house.run("other", id="x", status="COMPLETED", duration=15)
    assert await walk(readers, 1, sort="duration", process=["backup"]) == ["b1", "b2", "b0", "active"]
    assert await walk(readers, 2, sort="-duration", process=["backup", "other"]) == ["b0", "b2", "x", "b1", "active"]


async def test_sorting_all_runs_by_duration_is_refused_with_a_hint(readers: Readers) -> None:
    with pytest.raises(Invalid, match="add process=") as caught:
        await ids(readers, sort="duration")
    assert caught.value.field == "sort"


async def test_sorting_finished_runs_by_deadline_is_refused_with_a_hint(readers: Readers) -> None:
    with pytest.raises(Invalid, match="add status=ACTIVE"):
        await ids(readers, sort="deadline")


async def test_a_condition_that_no_index_helps_is_refused_alone_and_taken_with_another(
    house: House, readers: Readers
) -> None:
    house.run(id="a", status="COMPLETED", duration=9 * SECOND)
    with pytest.raises(Invalid, match="add process"):
        await ids(readers, q="duration:>5s")
    assert await ids(readers, q="duration:>5s process:backup") == ["a"]
    assert await ids(readers, q="duration:>5s", started_after=NOW // SECOND) == ["a"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"status": ["ACTIVE"]}, ["slow", "web"]),
        ({"status": ["failed", "SKIPPED"]}, ["skipped", "bad"]),
        ({"deadline_status": ["MISSED"]}, ["web", "bad"]),
        ({"deadline_status": ["MISSED", "COMPLETED_ON_TIME"]}, ["good", "web", "bad"]),
        ({"deadline_status": ["MISSED"], "status": ["ACTIVE"]}, ["web"]),
        ({"deadline_status": ["COMPLETED_LATE"], "status": ["ACTIVE"]}, []),
        ({"process": ["backup"]}, ["skipped", "good", "bad"]),
        ({"process": ["backup"], "status": ["FAILED"]}, ["bad"]),
        ({"process": ["backup", "deploy"], "status": ["FAILED", "ACTIVE"]}, ["web", "bad"]),
        ({"process": ["unknown"]}, []),
        ({"id": ["good", "bad", "unknown"]}, ["good", "bad"]),
        ({"id": ["uid00000001"]}, ["bad"]),
        ({"category": ["night"]}, ["good", "bad"]),
        ({"service": ["web", "db"]}, ["slow", "web"]),
        ({"service": ["nothing"]}, []),
        ({"tag": ["env:prod"]}, ["good", "web", "bad"]),
        ({"tag": ["env:prod", "team:a"]}, ["web"]),
        ({"tag": ["env:prod", "team:unknown"]}, []),
        ({"stalled": True}, ["slow"]),
        ({"stalled": False}, ["skipped", "good", "web", "bad"]),
        ({"started_after": NOW // SECOND + 2, "started_before": NOW // SECOND + 4}, ["good", "web"]),
        ({"running_longer_than": "2s", "now": NOW + 5 * SECOND}, ["web"]),
        ({"deadline_before": str(NOW // SECOND + 60), "status": ["ACTIVE"]}, ["web"]),
        ({"search": "disk"}, ["bad"]),
        ({"search": "disk full"}, ["bad"]),
        ({"search": "disk unknown"}, []),
        ({"search": "back"}, ["skipped", "good", "bad"]),
        ({"search": "backup disk"}, ["bad"]),
        ({"search": "slo"}, ["slow"]),
        ({"search": "--"}, []),
        ({"q": "status:failed"}, ["bad"]),
        ({"q": "-status:completed -status:failed"}, ["slow", "skipped", "web"]),
        ({"q": "process:back*"}, ["skipped", "good", "bad"]),
        ({"q": "-process:back*"}, ["slow", "web"]),
        ({"q": "process:backup process:deploy status:active"}, ["web"]),
        ({"q": "tag:env=pr*"}, ["good", "web", "bad"]),
        ({"q": "tag:env=prod tag:env=test"}, ["slow", "good", "web", "bad"]),
        ({"q": "tag:team status:active"}, ["web"]),
        ({"q": "-tag:env=prod"}, ["slow", "skipped"]),
        ({"q": "-service:web"}, ["slow", "skipped", "good", "bad"]),
        ({"q": "service:d* status:active"}, ["slow"]),
        ({"q": "id:go*"}, ["good"]),
        ({"q": "-id:go*"}, ["slow", "skipped", "web", "bad"]),
        ({"q": "started:<2s", "now": NOW + 5 * SECOND}, ["slow", "skipped"]),
        ({"q": "-started:<2s", "now": NOW + 5 * SECOND}, ["good", "web", "bad"]),
        ({"q": "due:<2m"}, ["web"]),
        ({"q": "due:>2m"}, ["slow"]),
        ({"q": "stalled:yes"}, ["slow"]),
        ({"q": "disk -process:deploy"}, ["bad"]),
        ({"q": "-disk"}, ["slow", "skipped", "good", "web"]),
        ({"q": "status:active", "status": ["FAILED"]}, []),
        ({"q": "process:backup attempt:>1"}, []),
        ({"q": "process:backup duration:>1m duration:<3m"}, ["good"]),
    ],
)  # fmt: skip
async def test_a_filter_lets_through_what_it_names(house: House, readers: Readers, given, expected: list[str]) -> None:
    prod = {"env": "prod"}
    house.run(
        "backup",
        id="bad",
        status="FAILED",
        deadline_status="MISSED",
        error="the disk is full",
        category="night",
        tags=prod,
    )
    house.run("deploy", id="web", deadline_status="MISSED", service="web", deadline=NOW, tags={**prod, "team": "a"})
    house.run(
        "backup",
        id="good",
        status="COMPLETED",
        deadline_status="COMPLETED_ON_TIME",
        category="night",
        duration=2 * MINUTE,
        tags=prod,
    )
    house.run("backup", id="skipped", status="SKIPPED")
    house.run(
        "report",
        id="slow",
        service="db",
        stalled=1,
        deadline=NOW + HOUR,
        deadline_status="ON_TRACK",
        tags={"env": "test"},
    )
    assert await ids(readers, **given) == expected


async def test_a_filter_goes_with_every_sort_that_its_rows_are_few_enough_for(house: House, readers: Readers) -> None:
    house.run(id="a", status="COMPLETED", completed_at=NOW + HOUR, duration=3, tags={"env": "prod"}, service="web")
    house.run(id="b", tags={"env": "prod"}, service="web", started_at=NOW)
    house.run(
        id="only", status="COMPLETED", completed_at=NOW + 2 * HOUR, duration=1, tags={"env": "prod"}, service="web"
    )
    house.run(id="other", status="COMPLETED")
    for given in ({"tag": ["env:prod"]}, {"service": ["web"]}, {"search": "only"}, {"id": ["a", "b", "only"]}):
        found = await walk(readers, 1, sort="-completed_at", started_after=NOW // SECOND, **given)
        assert found == (["only", "a", "b"] if "search" not in given else ["only"])


@pytest.mark.parametrize("many", [True, False])
async def test_a_filter_of_many_rows_is_checked_along_the_index_of_the_sort(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    if many:
        monkeypatch.setattr("trackdesk.store.run_plans.FEW", 1)
    for number in range(12):
        finished = {"status": "COMPLETED", "completed_at": NOW - number, "duration": number} if number % 3 else {}
        house.run(id=f"r{number}", service="web" if number % 2 else None, **finished)
    expected = ["r1", "r5", "r7", "r11", "r9", "r3"]
    assert await walk(readers, 2, sort="-completed_at", service=["web"]) == expected
    assert await walk(readers, 2, sort="duration", service=["web"], process=["backup"]) == [*expected[:4], "r3", "r9"]
    assert await walk(readers, 2, service=["web"], process=["backup"], status=["ACTIVE"]) == ["r9", "r3"]


async def test_the_total_is_exact(house: House, readers: Readers) -> None:
    house.runs_by_id(*(f"r{number}" for number in range(30)), tags={"env": "prod"}, status="FAILED")
    house.run(id="x")
    for given, total in (({}, 31), ({"tag": ["env:prod"]}, 30), ({"status": ["FAILED", "ACTIVE"]}, 31)):
        meta = (await run_lists.page(readers, DEFAULT, RunFilter(limit=2, **given), NOW)).meta
        assert (meta.total, meta.total_capped) == (total, False)


async def test_the_total_is_capped_and_unknown_where_counting_would_be_slow(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackdesk.store.keyset.COUNT_CAP", 10)
    monkeypatch.setattr("trackdesk.store.keyset.CHECKED", 5)
    house.runs_by_id(*(f"r{number}" for number in range(20)))
    meta = (await run_lists.page(readers, DEFAULT, RunFilter(), NOW)).meta
    assert (meta.total, meta.total_capped) == (10, True)
    meta = (await run_lists.page(readers, DEFAULT, RunFilter(q="-id:r1*"), NOW)).meta
    assert (meta.total, meta.total_capped) == (None, True)


async def test_a_search_that_finds_more_than_it_looks_at_has_no_total(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackdesk.store.run_wanted.MOST_FOUND", 3)
    for number in range(5):
        house.run(id=f"r{number}", status="FAILED", error="disk full")
    page = await run_lists.page(readers, DEFAULT, RunFilter(search="disk"), NOW)
    assert [run.id for run in page.data] == ["r4", "r3", "r2"]
    assert (page.meta.total, page.meta.total_capped) == (None, True)


async def test_of_many_ids_that_begin_alike_the_last_are_found(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackdesk.store.run_wanted.MOST_FOUND", 3)
    for number in range(5):
        house.run(("backup", "restore")[number % 2], id=f"r{number}")
    assert await ids(readers, q="id:r*") == ["r4", "r3", "r2"]


async def test_what_a_search_finds_elsewhere_is_not_counted_among_what_it_looks_at(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackdesk.store.run_wanted.MOST_FOUND", 3)
    other = house.namespace("other")
    house.run(id="mine", status="FAILED", error="disk full")
    for _ in range(5):
        house.run(namespace_id=other, status="FAILED", error="disk full")
    assert await ids(readers, search="disk") == ["mine"]


async def test_more_processes_than_can_be_walked_are_checked_row_by_row(house: House, readers: Readers) -> None:
    for number in range(60):
        house.run(f"many-{number}", id=f"r{number}")
    house.run("other", id="x")
    assert len(await walk(readers, 25, q="process:many-*")) == 60
    assert len(await walk(readers, 25, search="many")) == 60
    with pytest.raises(Invalid, match="at most 50 processes"):
        await ids(readers, q="process:many-*", sort="duration", now=NOW)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "bm90IGpzb24"])
async def test_a_foreign_cursor_is_refused(readers: Readers, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        await ids(readers, cursor=cursor)
    assert caught.value.field == "cursor"


async def test_text_never_becomes_sql(house: House, readers: Readers) -> None:
    house.run(id="a", error="it's", status="FAILED")
    for text in ("it's", "'; DROP TABLE runs; --", "100%", "_", '"', "NEAR(", "a*", "\\"):
        await ids(readers, search=text)
        await ids(readers, q='"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    assert await ids(readers, search="it's") == ["a"]
    assert await ids(readers, search="%") == []


async def test_a_run_is_found_by_uid_by_key_and_by_attempt(house: House, readers: Readers) -> None:
    first = house.run(id="k", status="FAILED")
    second = house.run(id="k", attempt=2)
    house.run(id="k", attempt=3, status="COMPLETED")
    assert await run_lists.seq_of(readers, DEFAULT, RunAddress(uid="uid00000001")) == first
    assert await run_lists.seq_of(readers, DEFAULT, RunAddress(process="backup", id="k")) == second
    assert (await run_lists.get(readers, DEFAULT, RunAddress(process="backup", id="k", attempt=3))).attempt == 3


async def test_without_an_active_one_the_newest_attempt_is_meant(house: House, readers: Readers) -> None:
    house.run(id="k", status="COMPLETED", attempt=1)
    house.run(id="k", status="FAILED", attempt=2)
    assert (await run_lists.get(readers, DEFAULT, RunAddress(process="backup", id="k"))).attempt == 2


@pytest.mark.parametrize(
    "address",
    [RunAddress(uid="nope"), RunAddress(process="backup", id="x"), RunAddress(process="x", id="k", attempt=1)],
)
async def test_an_unknown_run_is_not_found(house: House, readers: Readers, address: RunAddress) -> None:
    house.run(id="k")
    with pytest.raises(NotFound):
        await run_lists.get(readers, DEFAULT, address)


async def test_the_words_of_an_error_follow_its_changes(house: House, readers: Readers) -> None:
    seq = house.run(id="a", status="FAILED", error="disk full")
    house.connection.execute("UPDATE runs SET error = ? WHERE seq = ?", ('{"message": "network down"}', seq))
    assert await ids(readers, search="disk") == []
    assert await ids(readers, search="network") == ["a"]
    house.connection.execute("DELETE FROM runs WHERE seq = ?", (seq,))
    house.run(id="b")
    assert await ids(readers, search="network") == []
