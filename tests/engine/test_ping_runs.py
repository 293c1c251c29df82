"""What pings make of runs: overlapping, repeated, out of order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.house import ALICE, House, gathered, open_house
from trackdesk.domain.errors import NotFound
from trackdesk.domain.ping import parse_path
from trackdesk.domain.process import ChangeProcess
from trackdesk.engine import pings, processes
from trackdesk.engine.ping_batch import Ping

if TYPE_CHECKING:
    from pathlib import Path

ONE = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"


async def send(
    house: House, tail: str = "", *, rid: str | None = None, text: str = "", process: str = "backup"
) -> bool:
    """A ping of `process`; `tail` as it stands behind it in the path."""
    said = parse_path(f"some-key-of-the-tests/{process}/{tail}")
    return await pings.send(house.engine, Ping(1, "cron", said, rid, text, '{"via":"ping"}'))


def statuses(house: House) -> list[str]:
    return house.values("SELECT status FROM runs ORDER BY seq")


async def test_a_success_without_a_start_is_a_run_of_zero_length(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert await send(house)
        assert not await send(house)
        first, second = house.rows("SELECT * FROM runs ORDER BY seq")
        assert (first["status"], first["duration"], first["attempt"]) == ("COMPLETED", 0, 1)
        assert first["started_at"] == first["completed_at"] == house.now
        assert first["id"] != second["id"]
        assert house.rows("SELECT total, active, completed, last_run_at FROM processes") == [
            {"total": 2, "active": 0, "completed": 2, "last_run_at": house.now}
        ]
        assert house.journal("runs") == ["completed", "completed"]


async def test_a_start_and_a_success_are_one_run_with_its_time(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, "start")
        assert statuses(house) == ["ACTIVE"]
        await house.pass_time(90)
        await send(house)
        assert house.rows("SELECT status, duration FROM runs") == [{"status": "COMPLETED", "duration": 90_000_000}]


@pytest.mark.parametrize(
    ("tail", "text", "message"),
    [
        ("3", "disk full", "exit code 3"),
        ("fail", "copying\n disk full", "disk full"),
        ("fail", "", "reported as failed"),
    ],
)
async def test_a_failure_says_why_and_opens_an_incident(tmp_path: Path, tail: str, text: str, message: str) -> None:
    async with open_house(tmp_path) as house:
        await send(house, tail, text=text)
        assert statuses(house) == ["FAILED"]
        assert house.values("SELECT json_extract(error, '$.message') FROM runs") == [message]
        word, *_ = message.split()
        assert house.values(f"SELECT rowid FROM run_words WHERE run_words MATCH '{word}'") == [1]
        assert [each["origin"] for each in house.incidents()] == ["failed"]
        if text:
            assert house.rows("SELECT level, message FROM logs") == [{"level": 3, "message": text}]


async def test_the_next_success_closes_the_incident_of_a_failure(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, "fail")
        await send(house)
        assert [each["status"] for each in house.incidents()] == ["CLOSED"]


async def test_a_failure_between_successes_of_one_batch_is_not_passed_over(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house)
        await gathered(send(house), send(house, "fail"), send(house), send(house, "fail"))
        assert sorted(each["status"] for each in house.incidents()) == ["CLOSED", "OPEN"]


async def test_runs_of_two_rids_overlap(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, "start", rid=ONE)
        await house.pass_time(10)
        await send(house, "start", rid=OTHER)
        await house.pass_time(10)
        await send(house, rid=ONE)
        await send(house, "7", rid=OTHER)
        assert house.rows("SELECT id, status, duration FROM runs ORDER BY seq") == [
            {"id": ONE, "status": "COMPLETED", "duration": 20_000_000},
            {"id": OTHER, "status": "FAILED", "duration": 10_000_000},
        ]


async def test_an_end_without_a_rid_leaves_runs_with_one_alone(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, "start", rid=ONE)
        await send(house)
        assert statuses(house) == ["ACTIVE", "COMPLETED"]


async def test_a_second_start_without_a_rid_takes_the_place_of_the_first_and_alarms_nobody(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, "start")
        await house.pass_time(3600)
        await send(house, "start")
        await send(house)
        assert house.rows("SELECT status, duration, json_extract(error, '$.message') AS error FROM runs") == [
            {"status": "FAILED", "duration": 3_600_000_000, "error": "superseded"},
            {"status": "COMPLETED", "duration": 0, "error": None},
        ]
        assert house.incidents() == []


async def test_a_start_that_comes_behind_its_end_leaves_no_run_active(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, rid=ONE)
        await house.pass_time(5)
        await send(house, "start", rid=ONE, text="began")
        assert statuses(house) == ["COMPLETED"]
        assert house.values("SELECT message FROM logs") == ["began"]


async def test_a_ping_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for tail in ("start", "start", "", ""):
            await send(house, tail, rid=ONE, text="once")
        assert statuses(house) == ["COMPLETED"]
        assert house.values("SELECT count(*) FROM logs") == [2]


async def test_the_same_ping_twice_in_one_batch_counts_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await gathered(*(send(house, rid=ONE) for _ in range(5)))
        assert statuses(house) == ["COMPLETED"]


async def test_a_failure_behind_a_success_of_the_same_rid_is_a_new_attempt(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, rid=ONE)
        await send(house, "1", rid=ONE)
        assert house.rows("SELECT attempt, status FROM runs ORDER BY seq") == [
            {"attempt": 1, "status": "COMPLETED"},
            {"attempt": 2, "status": "FAILED"},
        ]


async def test_a_rid_that_is_used_again_after_a_minute_is_a_new_run(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for _ in range(2):
            await send(house, "start", rid=ONE)
            await house.pass_time(61)
            await send(house, rid=ONE)
            await house.pass_time(61)
        assert house.rows("SELECT attempt, status FROM runs ORDER BY seq") == [
            {"attempt": 1, "status": "COMPLETED"},
            {"attempt": 2, "status": "COMPLETED"},
        ]


async def test_a_rid_that_starts_again_while_it_runs_supersedes_itself_after_a_minute(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, "start", rid=ONE)
        await house.pass_time(61)
        await send(house, "start", rid=ONE)
        assert statuses(house) == ["FAILED", "ACTIVE"]
        assert house.incidents() == []


async def test_a_log_line_goes_to_the_active_run_and_changes_no_state(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house)
        await send(house, "start")
        await send(house, "log", text="half way")
        assert statuses(house) == ["COMPLETED", "ACTIVE"]
        assert house.rows("SELECT run_seq, level, message FROM logs") == [
            {"run_seq": 2, "level": 1, "message": "half way"}
        ]


async def test_a_log_line_without_an_active_run_goes_to_the_newest(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await send(house, rid=ONE)
        await send(house, "log", text="afterthought")
        assert house.values("SELECT run_seq FROM logs") == [1]


async def test_a_log_line_before_any_run_is_kept_by_a_skipped_one(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert await send(house, "log", text="hello")
        assert house.rows("SELECT status, message FROM runs JOIN logs ON run_seq = runs.seq") == [
            {"status": "SKIPPED", "message": "hello"}
        ]
        assert house.incidents() == []


async def test_a_start_without_an_end_is_missed_at_the_deadline_of_its_process(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.expect(default_deadline=60_000_000)
        await send(house, "start")
        await house.pass_time(61)
        assert house.values("SELECT deadline_status FROM runs") == ["MISSED"]
        assert [each["origin"] for each in house.incidents()] == ["missed"]
        await send(house)
        assert house.values("SELECT deadline_status FROM runs") == ["COMPLETED_LATE"]


async def test_a_run_of_zero_length_is_in_time(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.expect(default_deadline=60_000_000)
        await send(house)
        assert house.values("SELECT deadline_status FROM runs") == ["COMPLETED_ON_TIME"]


async def test_of_many_first_pings_at_once_exactly_one_makes_the_process(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        made: list[Any] = await gathered(*(send(house, "start" if each % 3 else "") for each in range(24)))
        assert made.count(True) == 1
        assert made.count(False) == 23
        assert house.values("SELECT count(*) FROM processes") == [1]


async def test_a_bad_address_spoils_none_of_its_batch(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        bad = pings.send(house.engine, Ping(None, "ping", parse_path(ONE), None, "", "{}"))
        answers = await gathered(send(house), bad, send(house))
        assert isinstance(answers[1], NotFound)
        assert statuses(house) == ["COMPLETED", "COMPLETED"]


async def test_whoever_asks_for_completed_runs_hears_of_each_ping(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.engine.writer.run(
            lambda tx: tx.execute(
                "INSERT INTO channels (namespace_id, name, url_shown, url_sealed, kinds, created_at, updated_at) "
                "VALUES (1, 'all', 'json://x', 'sealed', '[\"completed\"]', 0, 0)"
            )
        )
        await gathered(send(house), send(house), send(house))
        assert house.told() == ["completed"] * 3


async def test_a_ping_without_a_start_meets_what_is_expected_and_ends_what_was_missing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        body = ChangeProcess.model_validate_json(b'{"schedule": {"every": "15m"}, "grace": "1m"}')
        await processes.patch(house.engine, ALICE, "backup", body)
        await house.pass_time(3600)
        assert [(each["origin"], each["status"]) for each in house.incidents()] == [("missing", "OPEN")]
        await send(house, "log", text="nothing is proven by this")
        assert house.values("SELECT missing_since IS NULL FROM processes") == [0]
        await gathered(send(house), send(house))
        assert house.values("SELECT status FROM incidents") == ["CLOSED"]
        assert house.rows("SELECT expected_at, missing_since FROM processes") == [
            {"expected_at": house.now + 900_000_000, "missing_since": None}
        ]
