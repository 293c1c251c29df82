from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.widgets.bar_chart import BarChart

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "processes"
MINUTE = 60_000_000


async def _ended(desk: Desk, process: str, *, status: str = "COMPLETED", ago: int = 30, **members: object) -> None:
    """A run that began `ago` minutes ago and took four."""
    began = desk.app.now() // 1_000_000 - ago * 60
    run = await desk.other.runs.start(process, {"started_at": began, **members})
    error = {"error": {"message": "no"}} if status == "FAILED" else {}
    await desk.other.runs.complete(run.uid, {"completed_at": began + 240, "status": status, **error})


async def _tags(desk: Desk) -> None:
    await desk.sees("[Processes]")
    await desk.press("right_square_bracket")
    await desk.sees("[Tags]")


async def _figures(desk: Desk) -> None:
    await desk.sees("[Processes]")
    await desk.press("left_square_bracket")
    await desk.sees("[Analytics]")


async def test_the_tag_value_with_the_problems_stands_first_and_says_how_much_worse_it_is(desk: Desk) -> None:
    for _ in range(4):
        await _ended(desk, "import", tags={"host": "good"})
        await _ended(desk, "import", tags={"host": "bad"}, status="FAILED")
    await _ended(desk, "import", tags={"host": "good"}, status="FAILED")
    await _tags(desk)
    await desk.sees("host=bad")
    await until(lambda: desk.frame.find("host=bad") < desk.frame.find("host=good"))
    line = desk.line("host=bad")
    assert "100.0%" in line
    assert "80%" in line
    assert "5.0x as often" in line


async def test_tags_are_filtered_as_one_types_and_esc_shows_all(desk: Desk) -> None:
    await _ended(desk, "import", tags={"host": "good", "env": "prod"})
    await _tags(desk)
    await desk.sees("env=prod")
    await desk.press("slash")
    await desk.type("host")
    await desk.misses("env=prod")
    await desk.type("x")
    await desk.sees("Nothing matches")
    await desk.press("escape")
    await desk.sees("env=prod")


async def test_without_tags_it_names_a_command_that_sets_one(desk: Desk) -> None:
    await _tags(desk)
    await desk.sees("trackdesk start nightly-backup --tag env=prod")


async def test_enter_on_a_tag_opens_its_runs(desk: Desk) -> None:
    await _ended(desk, "import", id="n1", tags={"host": "good"})
    await _ended(desk, "import", id="n2", tags={"host": "bad"})
    await _tags(desk)
    await desk.sees("host=good")
    await desk.press("slash")
    await desk.type("good")
    await desk.press("enter")
    await desk.misses("host=bad")
    await desk.press("enter")
    await desk.sees("runs with host=good")
    await desk.sees("n1")
    assert "n2" not in desk.frame


async def test_figures_are_of_all_runs_until_the_cursor_goes_to_a_process(desk: Desk) -> None:
    await _ended(desk, "import")
    await _ended(desk, "import", status="FAILED")
    await _ended(desk, "report")
    await _figures(desk)
    await desk.sees("Runs of all, last 24h")
    await until(lambda: "33.3%" in desk.line(" all "))
    outcomes = desk.app.screen.query_one("#outcomes", BarChart)
    assert sum(bar.height for bar in outcomes.bars) == 3
    await desk.press("j")
    await desk.sees("Runs of import, last 24h")
    assert sum(bar.height for bar in outcomes.bars) == 2
    spread = desk.app.screen.query_one("#spread", BarChart)
    assert sum(bar.height for bar in spread.bars) == 1


async def test_comma_and_full_stop_choose_the_time_and_say_where_it_ends(desk: Desk) -> None:
    await _ended(desk, "import", ago=90)
    await _figures(desk)
    await desk.sees("Runs of all, last 24h")
    await desk.press("comma")
    await desk.sees("No run ended in this time")
    await desk.press("comma")
    await desk.sees(", shorter: one hour is the shortest")
    for name in ("24h", "7d", "30d", "90d"):
        await desk.press("full_stop")
        await desk.sees(f"Runs of all, last {name}")
    await desk.press("full_stop")
    await desk.sees(". longer: 90 days are the longest")


async def test_b_groups_by_the_values_of_a_tag_and_enter_opens_their_runs(desk: Desk) -> None:
    await _ended(desk, "import", id="n1", tags={"host": "good"})
    await _ended(desk, "report", id="n2", tags={"host": "bad"})
    await _figures(desk)
    await desk.sees("By process")
    await desk.press("b")
    await desk.sees("Figures by")
    await desk.press("j", "enter")
    await desk.sees("By the tag host")
    await desk.sees("good")
    await desk.press("G", "enter")
    await desk.sees("runs with host=")


async def test_figures_follow_what_happens(desk: Desk) -> None:
    await _ended(desk, "import")
    await _figures(desk)
    await desk.sees("By process")
    await _ended(desk, "report")
    await desk.sees("report")


async def test_figures_fit_eighty_columns_with_their_charts_above_one_another(server: Server) -> None:
    async with desk_over(server, "processes", size=(80, 24)) as desk:
        await _ended(desk, "import")
        await _figures(desk)
        await desk.sees("Runs of all, last 24h")
        assert max(map(len, desk.frame.splitlines())) <= 80
        assert "Runs that took at most" not in desk.frame
        await desk.press("tab", "end")
        await desk.sees("Runs that took at most")
