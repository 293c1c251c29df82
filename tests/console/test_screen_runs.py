from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.console.frames import until
from tests.console.triage_desk import desk_over

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "runs"


async def _typed(desk: Desk, text: str) -> None:
    """Fill the focused field as fast as a paste does."""
    await until(lambda: isinstance(desk.app.focused, Input))
    await until(lambda: isinstance(desk.app.focused, Input))
    desk.app.focused.value = text


async def test_an_empty_list_names_the_command_that_starts_a_run(desk: Desk) -> None:
    await desk.sees("trackdesk start nightly-backup")


async def test_a_run_that_starts_elsewhere_appears_with_its_budget(desk: Desk) -> None:
    await desk.sees("No run yet")
    await desk.other.runs.start("ledger", {"id": "n1", "deadline": "30m", "tags": {"env": "prod"}})
    await desk.sees("ledger")
    line = desk.line("ledger")
    assert "▶ running" in line
    assert "n1" in line
    assert "on track" in line


async def test_c_completes_the_run_under_the_cursor(desk: Desk) -> None:
    run = await desk.other.runs.start("ledger", {"id": "n1"})
    await desk.sees("ledger")
    await desk.press("c")
    await desk.sees("Completed: ledger n1")
    await desk.sees("✓ done")
    assert (await desk.other.runs.get(run.uid)).status == "COMPLETED"


async def test_several_marked_runs_are_completed_after_a_question_that_names_them(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        await desk.other.runs.start("load", {"id": name})
    await until(lambda: desk.frame.count("▶ running") == 3)
    await desk.press("g", "space", "space", "c")
    await desk.sees("Complete 2 runs?")
    await desk.sees("load c")
    await desk.press("y")
    await desk.sees("Completed: 2 runs")
    await until(lambda: desk.frame.count("✓ done") == 2)


async def test_x_asks_what_went_wrong_and_ends_the_run_as_failed(desk: Desk) -> None:
    run = await desk.other.runs.start("ledger", {"id": "n1"})
    await desk.sees("ledger")
    await desk.press("x")
    await desk.sees("What went wrong with ledger n1?")
    await _typed(desk, "disk full")
    await desk.press("enter")
    await desk.sees("✗ failed")
    error = (await desk.other.runs.get(run.uid)).error
    assert error is not None
    assert error.message == "disk full"


async def test_what_has_ended_is_not_completed_again_and_says_so(desk: Desk) -> None:
    run = await desk.other.runs.start("ledger", {"id": "n1"})
    await desk.other.runs.complete(run.uid)
    await desk.sees("✓ done")
    await desk.press("c")
    await desk.sees("c complete: ledger has ended")


async def test_a_run_is_started_by_hand_and_what_is_refused_stands_at_its_field(desk: Desk) -> None:
    await desk.sees("No run yet")
    await desk.press("n")
    await desk.sees("Start a run")
    await _typed(desk, "nightly backup")
    await desk.press("enter")
    await desk.sees("expected 1 to 100")
    await _typed(desk, "nightly-backup")
    await desk.press("tab", "tab")
    await _typed(desk, "soon")
    await desk.press("enter")
    await until(lambda: "soon" in desk.frame and "expected" in desk.frame)
    await _typed(desk, "30m")
    await desk.press("enter")
    await desk.sees("Started nightly-backup")
    await desk.sees("▶ running")


async def test_the_filter_is_the_servers_and_says_how_many_it_found(desk: Desk) -> None:
    for name in ("alpha", "beta"):
        await desk.other.runs.start(name)
    await desk.sees("beta")
    await desk.press("slash")
    await _typed(desk, "process:alpha")
    await desk.sees("1 hit")
    await desk.misses("beta")
    await desk.press("enter", "escape")
    await desk.sees("beta")


async def test_a_filter_that_is_not_understood_says_why_and_leaves_the_list(desk: Desk) -> None:
    await desk.other.runs.start("alpha")
    await desk.sees("alpha")
    await desk.press("slash")
    await _typed(desk, "colour:red")
    await desk.sees("there is no field 'colour'")
    await desk.sees("alpha")


async def test_a_sort_that_has_no_index_is_refused_with_the_hint_and_the_old_one_stays(desk: Desk) -> None:
    await desk.other.runs.start("alpha")
    await desk.sees("alpha")
    await desk.press("greater_than_sign")
    await desk.sees("duration is only sorted within a process")
    await desk.sees("started▾")


async def test_sorted_by_due_it_shows_what_is_still_running_the_most_urgent_first(desk: Desk) -> None:
    for name, deadline in (("later", "2h"), ("sooner", "1h")):
        await desk.other.runs.start(name, {"deadline": deadline})
    done = await desk.other.runs.start("done-already", {"deadline": "30m"})
    await desk.other.runs.complete(done.uid)
    await desk.sees("✓ done")
    await desk.press("greater_than_sign", "less_than_sign", "less_than_sign")
    await desk.misses("done-already")
    await until(lambda: desk.frame.find("sooner") < desk.frame.find("later"))


async def test_a_long_list_is_read_page_by_page(desk: Desk) -> None:
    for some in range(0, 130, 10):  # more connections at once than this would only wait for one another
        numbers = range(some, some + 10)
        await asyncio.gather(*(desk.other.runs.start("load", {"id": f"n{number:03}"}) for number in numbers))
    await desk.sees("of 130")
    await desk.press("G")
    await until(lambda: "─ 130 ─" in desk.frame)


async def test_a_key_that_may_only_read_says_why_nothing_can_be_done(server: Server) -> None:
    async with desk_over(server, "runs", role="REPORTER") as desk:
        await desk.other.runs.start("ledger", {"id": "n1"})
        await desk.sees("ledger")
        await desk.press("c")
        await desk.sees("is REPORTER and may not start runs")


async def test_everything_that_matters_of_a_run_fits_80_columns(server: Server) -> None:
    async with desk_over(server, "runs", size=(80, 24)) as desk:
        await desk.other.runs.start("month-close", {"id": "n1", "deadline": "30m"})
        await desk.sees("▶ running")
        line = desk.line("month-close")
        assert "▶ running" in line
        assert "in 29m" in line or "in 30m" in line
        assert max(map(len, desk.frame.splitlines())) <= 80
