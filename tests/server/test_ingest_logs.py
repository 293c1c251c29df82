"""Bodies of nothing but log lines, which are taken member by member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import Stand, open_stand
from tests.server.test_ingest import all_of, rows, start, taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOGS = "SELECT r.id, l.seq, l.message FROM logs l JOIN runs r ON r.seq = l.run_seq ORDER BY l.id"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        await taken(opened, start(id="a"), start(id="b", heartbeat_timeout="1m"))
        yield opened


def line(run: str, message: str, **members: Any) -> dict[str, Any]:
    return {"kind": "log", "process": "backup", "id": run, "message": message, **members}


async def test_lines_of_several_runs_are_stored_in_the_order_in_which_they_came(stand: Stand) -> None:
    assert await taken(stand, line("a", "one"), line("b", "two"), line("a", "three")) == all_of(3)
    assert rows(stand, LOGS) == [("a", None, "one"), ("b", None, "two"), ("a", None, "three")]


async def test_of_lines_without_a_time_it_is_the_time_at_which_they_came(stand: Stand) -> None:
    await taken(stand, line("a", "one", level="ERROR"), line("a", "two", level="DEBUG"))
    assert rows(stand, "SELECT level, logged_at FROM logs") == [(3, stand.clock.now()), (0, stand.clock.now())]


async def test_only_the_lines_of_a_run_that_is_not_there_are_refused(stand: Stand) -> None:
    result = await taken(stand, line("a", "one"), line("gone", "two"), line("b", "three"))
    assert result["accepted"] == 2
    assert [(each["line"], each["code"]) for each in result["refused"]] == [(2, "not_found")]
    assert rows(stand, LOGS) == [("a", None, "one"), ("b", None, "three")]


async def test_a_seq_that_the_run_has_already_is_a_duplicate(stand: Stand) -> None:
    await taken(stand, line("a", "one", seq=1), line("a", "two", seq=2))
    again = await taken(stand, line("a", "two", seq=2), line("a", "three", seq=3), line("b", "two", seq=2))
    assert (again["accepted"], again["duplicates"]) == (3, 1)
    assert rows(stand, LOGS) == [("a", 1, "one"), ("a", 2, "two"), ("a", 3, "three"), ("b", 2, "two")]


async def test_a_uid_that_came_before_or_comes_twice_is_taken_once(stand: Stand) -> None:
    assert await taken(stand, line("a", "one", uid="1"), line("a", "two", uid="2")) == all_of(2)
    again = await taken(stand, line("a", "two", uid="2"), line("a", "three", uid="3"))
    twice = await taken(stand, line("a", "four", uid="4"), line("a", "four", uid="4"))
    assert [(each["accepted"], each["duplicates"]) for each in (again, twice)] == [(2, 1), (2, 1)]
    assert [row[2] for row in rows(stand, LOGS)] == ["one", "two", "three", "four"]


async def test_whoever_logs_gives_a_sign_of_life(stand: Stand) -> None:
    await stand.clock.advance(30_000_000)
    await taken(stand, line("b", "one"), line("b", "two"))
    assert rows(stand, "SELECT last_heartbeat_at FROM runs WHERE id = 'b'") == [(stand.clock.now(),)]


async def test_one_odd_line_is_refused_by_itself(stand: Stand) -> None:
    result = await taken(stand, line("a", "one"), line("a", ""), line("a", "three"))
    assert (result["accepted"], [each["line"] for each in result["refused"]]) == (2, [2])
    assert [row[2] for row in rows(stand, LOGS)] == ["one", "three"]


async def test_lines_of_one_run_keep_their_order_whichever_way_they_name_it(stand: Stand) -> None:
    uid = rows(stand, "SELECT uid FROM runs WHERE id = 'a'")[0][0]
    by_uid = {"kind": "log", "run": uid, "message": "two"}
    assert await taken(stand, line("a", "one"), by_uid, line("a", "three")) == all_of(3)
    assert [row[2] for row in rows(stand, LOGS)] == ["one", "two", "three"]
