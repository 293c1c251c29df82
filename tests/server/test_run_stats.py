"""Figures over HTTP: what is answered, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import open_stand
from trackdesk.client import Client
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.server.stand import Stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def finish(stand: Stand, process: str = "backup", *, took: float = 60, **body: Any) -> None:
    """A run that ended now, `took` seconds after its start; `status` and `tags` and `deadline` as given."""
    status = body.pop("status", "COMPLETED")
    started = format_instant(stand.clock.now() - round(took * SECOND))
    answer = await stand.ask("POST", f"/v1/processes/{process}", {"started_at": started, **body})
    assert answer.status == 201, answer.body
    done = await stand.ask("POST", f"/v1/runs/{answer.json['uid']}/complete", {"status": status})
    assert done.status == 200, done.body


async def stats(stand: Stand, query: str = "") -> Any:
    answer = await stand.ask("GET", f"/v1/runs/stats?{query}")
    assert answer.status == 200, answer.body
    return answer.json


async def test_an_empty_range_has_every_bucket_with_zeros(stand: Stand) -> None:
    answer = await stats(stand, "bucket=hour")
    assert len(answer["data"]) == 25
    first = answer["data"][0]
    assert first["count"] == 0
    assert first["by_status"] == {"ACTIVE": 0, "COMPLETED": 0, "FAILED": 0, "SKIPPED": 0}
    assert first["p50"] is None
    assert first["missed_percent"] is None
    (total,) = answer["meta"]["totals"]
    assert total["count"] == 0


async def test_runs_count_in_the_bucket_in_which_they_ended(stand: Stand) -> None:
    await finish(stand, took=10)
    stand.clock.leap(HOUR)
    await finish(stand, took=30, status="FAILED")
    await finish(stand, took=40)
    counted = [row["count"] for row in (await stats(stand, "bucket=hour"))["data"]]
    assert counted[-2:] == [1, 2]
    (total,) = (await stats(stand, "bucket=hour"))["meta"]["totals"]
    assert total["by_status"]["FAILED"] == 1
    assert total["failed_percent"] == 33.33
    assert total["avg"] == 25


async def test_a_run_that_failed_after_its_deadline_counts_as_missed(stand: Stand) -> None:
    await finish(stand, took=60, deadline="30s", status="FAILED")
    await finish(stand, took=60, deadline="2m", status="FAILED")
    (total,) = (await stats(stand))["meta"]["totals"]
    assert (total["missed"], total["by_status"]["FAILED"], total["problems"]) == (1, 2, 2)
    assert total["missed_percent"] == 50


async def test_an_active_run_past_its_deadline_counts_as_missed_in_the_bucket_that_is_open(stand: Stand) -> None:
    started = format_instant(stand.clock.now() - 5 * SECOND)
    await stand.ask("POST", "/v1/processes/backup", {"started_at": started, "deadline": "1s"})
    await stand.ask("POST", "/v1/processes/backup", {"deadline": "1h"})
    answer = await stats(stand, "bucket=hour")
    assert answer["data"][-1]["by_status"]["ACTIVE"] == 1
    assert answer["data"][-1]["missed_percent"] == 100
    assert answer["meta"]["totals"][0]["missed"] == 1
    before = await stats(stand, f"bucket=hour&to={format_instant(stand.clock.now() - 2 * HOUR)}")
    assert before["meta"]["totals"][0]["missed"] == 0


async def test_groups_are_processes_with_the_rest_counted_together(stand: Stand) -> None:
    for process, runs in (("alpha", 3), ("beta", 2), ("gamma", 1)):
        for _ in range(runs):
            await finish(stand, process)
    answer = await stats(stand, "group_by=process&groups=1&bucket=day")
    totals = answer["meta"]["totals"]
    assert [(each["group"], each["rest"], each["count"]) for each in totals] == [("alpha", False, 3), (None, True, 3)]
    assert answer["meta"]["groups"] == 3
    assert [(row["group"], row["count"]) for row in answer["data"]] == [("alpha", 3), (None, 3)]


async def test_groups_are_the_values_of_a_tag(stand: Stand) -> None:
    await finish(stand, tags={"env": "prod"})
    await finish(stand, tags={"env": "prod", "host": "n1"}, status="FAILED")
    await finish(stand, tags={"env": "test"})
    await finish(stand)
    totals = (await stats(stand, "group_by=tag&tag_key=env"))["meta"]["totals"]
    assert [(each["group"], each["count"], each["failed_percent"]) for each in totals] == [
        ("prod", 2, 50),
        ("test", 1, 0),
    ]


async def test_a_histogram_has_a_bar_for_each_range_of_durations(stand: Stand) -> None:
    for took in (0.3, 0.4, 3, 30):
        await finish(stand, took=took)
    (total,) = (await stats(stand, "histogram=true"))["meta"]["totals"]
    assert [(bar["to"], bar["count"]) for bar in total["histogram"]] == [
        (0.5, 2), (1, 0), (2, 0), (5, 1), (10, 0), (20, 0), (50, 1),
    ]  # fmt: skip


async def test_a_day_of_the_change_to_summer_time_has_23_hours(stand: Stand) -> None:
    answer = await stats(stand, "bucket=day&timezone=Europe/Berlin&from=2026-03-28T12:00:00Z&to=2026-03-30T12:00:00Z")
    assert [row["time"] for row in answer["data"]] == [
        "2026-03-27T23:00:00.000000Z",
        "2026-03-28T23:00:00.000000Z",
        "2026-03-29T22:00:00.000000Z",
    ]
    assert answer["meta"]["to"] == "2026-03-30T22:00:00.000000Z"


async def test_unknown_names_have_no_runs(stand: Stand) -> None:
    await finish(stand, tags={"env": "prod"})
    for query in ("process=nobody", "tag=env:nowhere", "process=backup&tag=env:nowhere"):
        (total,) = (await stats(stand, query))["meta"]["totals"]
        assert total["count"] == 0, query
    assert (await stats(stand, "tag=env:prod&process=backup"))["meta"]["totals"][0]["count"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("to=2026-01-01", "to"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("bucket=90s", "bucket"),
        ("bucket=0m", "bucket"),
        ("bucket=week", "bucket"),
        ("bucket=minute&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "bucket"),
        ("bucket=hour&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&group_by=process&groups=50", "bucket"),
        ("to=9999-12-31T23:59:59Z&from=9999-12-31T00:00:00Z&bucket=day", "bucket"),
        ("timezone=Mars/Olympus", "timezone"),
        ("timezone=../../etc/passwd", "timezone"),
        ("group_by=moon", "group_by"),
        ("group_by=tag", "tag_key"),
        ("tag_key=env", "tag_key"),
        ("group_by=tag&tag_key=a b", "tag_key"),
        ("groups=0", "groups"),
        ("groups=101", "groups"),
        ("histogram=perhaps", "histogram"),
        ("tag=env", "tag"),
        ("colour=red", "colour"),
        ("bucket=hour&bucket=day", "bucket"),
    ],
)
async def test_a_bad_parameter_is_named(stand: Stand, query: str, field: str) -> None:
    answer = await stand.ask("GET", f"/v1/runs/stats?{query.replace(' ', '%20')}")
    assert answer.status == 400, answer.body
    assert answer.field == field


async def test_tags_with_the_most_problems_come_first(stand: Stand) -> None:
    for host, status in (
        ("n1", "FAILED"),
        ("n1", "FAILED"),
        ("n2", "FAILED"),
        ("n2", "COMPLETED"),
        ("n3", "COMPLETED"),
    ):
        await finish(stand, tags={"host": host, "env": "prod"}, status=status)
    async with Client(stand.url, "owner-key-of-the-tests") as client:
        answer = await client.stats.tags({"key": "host"})
    assert [(row.value, row.problems, row.count) for row in answer.data] == [("n1", 2, 2), ("n2", 1, 2), ("n3", 0, 1)]
    worst = answer.data[0]
    assert worst.share == 66.67
    assert worst.lift == 3  # 2 of 2 against 1 of 3
    assert answer.meta.problems == 3
    assert answer.meta.count == 5


async def test_a_tag_that_all_runs_have_has_nothing_to_be_compared_with(stand: Stand) -> None:
    await finish(stand, tags={"env": "prod"}, status="FAILED")
    async with Client(stand.url, "owner-key-of-the-tests") as client:
        (row,) = (await client.stats.tags()).data
    assert row.lift is None
    assert row.share == 100


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("key=a%20b", "key"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("from=never", "from"),
        ("bucket=hour", "bucket"),
    ],
)
async def test_a_bad_parameter_of_the_tags_is_named(stand: Stand, query: str, field: str) -> None:
    answer = await stand.ask("GET", f"/v1/tags?{query}")
    assert answer.status == 400
    assert answer.field == field


async def test_the_client_reads_what_the_server_answers(stand: Stand) -> None:
    await finish(stand, took=12)
    async with Client(stand.url, "owner-key-of-the-tests") as client:
        answer = await client.stats.runs({"bucket": "15m"})
    assert answer.data[-1].avg == 12 * SECOND
    assert answer.meta.bucket == 15 * MINUTE
    assert answer.meta.from_ == answer.data[0].time
