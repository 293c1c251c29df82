"""A chunk of lines does what its lines one after the other would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.clocks import FakeClock
from tests.engine.house import CALLER, House, open_house
from trackdesk.engine import ingest
from trackdesk.engine.ingest import KINDS, Item

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NAMES = ("a", "b")
SAYINGS: tuple[dict[str, Any], ...] = (
    {"kind": "run.start"},
    {"kind": "run.start", "on_active": "supersede"},
    {"kind": "run.patch", "tags": {"env": "prod"}},
    {"kind": "run.patch", "context": {"n": 1}},
    {"kind": "run.heartbeat"},
    {"kind": "log", "message": "one"},
    {"kind": "log", "message": "numbered", "seq": 1},
    {"kind": "run.complete"},
    {"kind": "run.complete", "status": "FAILED", "completed_at": 1_767_323_045},
)


def line(saying: dict[str, Any], name: str, named_by_start: bool, number: int) -> dict[str, Any]:
    if saying["kind"] == "run.start":
        return {**saying, "process": "p", "id": name, "uid": f"{name}{number}", "started_at": 1_767_300_000}
    if named_by_start:
        return {**saying, "start": f"{name}0"}
    return {**saying, "process": "p", "id": name}


def items(lines: list[dict[str, Any]]) -> list[Item]:
    return [
        Item(number, KINDS[each["kind"]].model.model_validate(each, strict=False)) for number, each in enumerate(lines)
    ]


async def one_by_one(house: House, lines: list[Item]) -> tuple[int, int, list[tuple[int, str]]]:
    accepted, duplicates, refused = 0, 0, []
    for each in lines:
        taken = await ingest.take(house.engine, CALLER, [each])
        accepted += taken.accepted
        duplicates += taken.duplicates
        refused += [(number, error.code) for number, error in taken.refused]
    return accepted, duplicates, refused


async def state(house: House) -> list[Any]:
    runs = house.rows(
        "SELECT id, attempt, status, started_at, completed_at, tags, context, (SELECT group_concat(message) FROM "
        "(SELECT message FROM logs WHERE run_seq = runs.seq ORDER BY id)) FROM runs ORDER BY id, attempt"
    )
    counts = house.rows("SELECT total, active, completed, failed, skipped FROM processes")
    return [runs, counts]


async def compare(folder: Path, told: list[dict[str, Any]]) -> None:
    async with (
        open_house(folder / "together", clock=FakeClock(), agenda=False) as together,
        open_house(folder / "alone", clock=FakeClock(), agenda=False) as alone,
    ):
        taken = await ingest.take(together.engine, CALLER, items(told))
        refused = [(number, error.code) for number, error in taken.refused]
        assert (taken.accepted, taken.duplicates, refused) == await one_by_one(alone, items(told))
        assert await state(together) == await state(alone)


STORIES = some.lists(
    some.tuples(some.sampled_from(SAYINGS), some.sampled_from(NAMES), some.booleans()), min_size=2, max_size=12
)


async def test_a_chunk_does_what_its_lines_one_by_one_would_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    found: list[list[dict[str, Any]]] = []

    @settings(max_examples=12, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(story=STORIES)
    def collect(story: list[tuple[dict[str, Any], str, bool]]) -> None:
        found.append([line(*each, number) for number, each in enumerate(story)])

    collect()
    for told in found:
        folder = tmp_path_factory.mktemp("order")
        for name in ("together", "alone"):
            (folder / name).mkdir()
        await compare(folder, told)
