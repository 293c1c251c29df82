"""Pings that meet in one batch come to what they come to one after the other."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.engine.house import ALICE, House, gathered, open_house
from trackdesk.domain.ping import parse_path
from trackdesk.domain.process import ChangeProcess
from trackdesk.engine import pings, processes
from trackdesk.engine.ping_batch import Ping

if TYPE_CHECKING:
    from pathlib import Path

TAILS = ("", "", "start", "start", "fail", "7", "log")
RIDS = (None, *(str(UUID(int=number)) for number in range(1, 5)))
SETTINGS = {
    "plain": b"{}",
    "late": b'{"default_deadline": "1s"}',
    "patient": b'{"alert_after_failures": 2}',
    "by-run": b'{"incident_per": "run"}',
    "expected": b'{"schedule": {"every": "15m"}, "grace": "1m"}',
}
DRAWN = re.compile(r"INC-\d+|ping-\w+")
COLUMNS = {
    "runs": "process_id, iif(id GLOB 'ping-*', '', id), attempt, status, deadline_status, overdue_at_finish, duration",
    "processes": "name, total, active, completed, failed, skipped, late, last_run_at, expected_at, missing_since",
    "incidents": "cause, origin, status, occurrences, holds, due_at",
    "notifications": "kind, title, in_inbox",
    "journal": "topic, kind, changed ->> 'status', changed ->> 'deadline_status'",
    "logs": "level, message",
}


def some_ping(chance: random.Random) -> Ping:
    said = parse_path(f"some-key-of-the-tests/{chance.choice(list(SETTINGS))}/{chance.choice(TAILS)}")
    text = chance.choice(("", "", "some words"))
    return Ping(1, "cron", said, chance.choice(RIDS), text, '{"via":"ping"}')


def contents(house: House) -> dict[str, list[str]]:
    """In an order of its own, without numbers of incidents and without ids that are drawn by lot."""
    found = {}
    for table, columns in COLUMNS.items():
        rows: list[dict[str, Any]] = house.rows(f"SELECT {columns} FROM {table}")
        found[table] = sorted(DRAWN.sub("", str(list(row.values()))) for row in rows)
    return found


async def left_by(folder: Path, rounds: list[list[Ping]], *, together: bool) -> dict[str, list[str]]:
    async with open_house(folder) as house:
        for name, body in SETTINGS.items():
            await processes.patch(house.engine, ALICE, name, ChangeProcess.model_validate_json(body))
        for each in rounds:
            if together:
                assert not [told for told in await gathered(*(pings.send(house.engine, item) for item in each)) if told]
            else:
                for item in each:
                    await pings.send(house.engine, item)
            await house.pass_time(1.5)
        return contents(house)


@pytest.mark.parametrize("seed", range(6))
async def test_together_they_leave_what_they_leave_one_by_one(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rounds = [[some_ping(chance) for _ in range(20)] for _ in range(5)]
    for folder in ("alone", "together"):
        (tmp_path / folder).mkdir()
    alone = await left_by(tmp_path / "alone", rounds, together=False)
    assert await left_by(tmp_path / "together", rounds, together=True) == alone
