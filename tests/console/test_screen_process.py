from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.screens.process_story import next_start
from trackdesk.widgets.bar_chart import BarChart

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "processes"


async def _ended(desk: Desk, minutes: int, ago: int = 60, **members: object) -> None:
    """A run of `import` that began `ago` minutes ago and took so many."""
    now = desk.app.now() // 1_000_000
    began = now - ago * 60
    run = await desk.other.runs.start("import", {"started_at": began, **members})
    await desk.other.runs.complete(run.uid, {"completed_at": began + minutes * 60})


async def _open(desk: Desk) -> None:
    await desk.sees("import")
    await desk.press("enter")
    await desk.sees("Processes \u203a import")


async def test_it_says_in_words_what_is_expected_and_when_it_is_expected_next(desk: Desk) -> None:
    afternoon = desk.app.now() // 3_600_000_000 % 24 in range(8, 18)
    at = "02:00" if afternoon else "14:00"  # hours away, whatever time it is
    schedule = {"cron": f"0 {int(at[:2])} * * *", "timezone": "Europe/Berlin"}
    await desk.other.processes.patch("import", {"schedule": schedule, "grace": "10m", "default_deadline": "30m"})
    await _open(desk)
    await desk.sees(f"Expected at {at} Europe/Berlin, 10m of grace; done within 30m, warned at 75%")
    await desk.sees("next start in ")


def test_a_start_that_is_late_within_its_grace_may_still_come() -> None:
    assert next_start(90_000_000, 30_000_000).text == "in 1m"
    assert next_start(30_000_000, 120_000_000).text == "1m30s ago, and may still come"


async def test_a_process_of_which_nothing_is_expected_says_which_key_changes_that(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await _open(desk)
    await desk.sees("Nothing is expected of it: e says when it should run")


async def test_its_runs_stand_as_bars_and_as_rows_and_enter_opens_one(desk: Desk) -> None:
    await _ended(desk, 4, id="n1")
    await _ended(desk, 8, id="n2")
    await _open(desk)
    await desk.sees("n2")
    durations = desk.app.screen.query_one("#durations", BarChart)
    assert sorted(bar.height for bar in durations.bars) == [4 * 60_000_000, 8 * 60_000_000]
    await desk.press("enter")
    await desk.sees("import \u203a import n")


async def test_an_unusual_run_is_marked_in_the_list_of_its_runs(desk: Desk) -> None:
    for ago in range(6, 0, -1):
        await _ended(desk, 1, ago=ago * 60)
    await _ended(desk, 1, ago=55, id="again")
    await _open(desk)
    await desk.sees("! too often")
    assert "again" in desk.line("! too often")


async def test_the_slowest_tag_values_lead_to_their_runs(desk: Desk) -> None:
    await _ended(desk, 1, id="n1", tags={"host": "quick"})
    await _ended(desk, 9, id="n2", tags={"host": "slow"})
    await _open(desk)
    await desk.sees("host=slow")
    await until(lambda: desk.frame.find("host=slow") < desk.frame.find("host=quick"))
    await desk.press("right_square_bracket", "enter")
    await desk.sees("runs with host=slow")
    await desk.sees("n2")
    assert "n1" not in desk.frame


async def test_p_pauses_with_a_time_and_a_reason_and_p_again_resumes(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await _open(desk)
    await desk.press("p")
    await desk.sees("Pause import")
    await desk.type("yesterday")
    await desk.press("enter")
    await desk.sees("\u2717")
    await until(lambda: isinstance(desk.app.focused, Input))
    desk.app.focused.value = "2h"
    await desk.press("tab")
    await desk.type("moving")
    await desk.press("enter")
    await desk.sees("\u2016 paused")
    await desk.sees("because moving")
    assert (await desk.other.processes.get("import")).state == "PAUSED"
    await desk.press("p")
    await desk.sees("Resumed import")
    assert (await desk.other.processes.get("import")).state != "PAUSED"


async def test_the_form_says_what_the_expectation_would_have_alerted(desk: Desk) -> None:
    await _ended(desk, 8)
    await _open(desk)
    await desk.press("e")
    await desk.sees("would have alerted never in 1 runs of 30 days")
    box = next(each for each in desk.app.screen.query(Input) if each.name == "default_deadline")
    box.value = "5m"
    await desk.sees("would have alerted once in 1 runs of 30 days: 1 missed")
    assert (await desk.other.processes.get("import")).default_deadline is None


async def test_delete_takes_the_process_with_its_runs_after_a_question(desk: Desk) -> None:
    await _ended(desk, 4)
    await _open(desk)
    await desk.press("D")
    await desk.sees("Delete import?")
    await desk.press("y")
    await desk.sees("Deleted import")
    assert (await desk.other.processes.list()).data == []


async def test_eighty_columns_show_one_thing_at_a_time_under_tabs(server: Server) -> None:
    async with desk_over(server, "processes", size=(80, 24)) as desk:
        await _ended(desk, 4, tags={"host": "slow"})
        await _open(desk)
        await desk.sees("How long the last runs took")
        assert "host=slow" not in desk.frame
        await desk.press("right_square_bracket")
        await desk.sees("Outcomes, 30d")
        await desk.press("right_square_bracket")
        await desk.sees("host=slow")
        assert max(map(len, desk.frame.splitlines())) <= 80


@pytest.mark.parametrize("key", ["e", "E", "p", "D"])
async def test_who_may_not_operate_is_told_so(server: Server, key: str) -> None:
    async with desk_over(server, "processes", role="REPORTER") as desk:
        await desk.other.runs.start("import")
        await _open(desk)
        await desk.press(key)
        await desk.sees("is REPORTER and may not change things")
