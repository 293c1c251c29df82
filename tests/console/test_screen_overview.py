from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.client import Client
from trackdesk.screens import panes
from trackdesk.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "overview"
PANES = ("Needs a person", "Next to miss", "Processes, the troubled first", "Inbox, unread")


async def test_over_an_empty_store_it_shows_what_to_type_with_the_real_address_and_no_key(desk: Desk) -> None:
    await desk.sees("Nothing has reported here yet")
    assert f"{desk.app.desk.client.url}/v1/processes/nightly-backup" in desk.frame
    assert "trackdesk demo" in desk.frame
    assert "tdk_" not in desk.frame
    await desk.other.runs.start("import")
    await desk.sees("Needs a person")
    assert "Nothing has reported" not in desk.frame


async def test_what_fails_needs_a_person_and_enter_drills_in(desk: Desk) -> None:
    run = await desk.other.runs.start("import", {"id": "n1"})
    await desk.other.runs.complete(run.uid, {"status": "FAILED", "error": {"message": "no route"}})
    await desk.sees("import failed: no route")
    await desk.sees("✗ failing")
    await desk.sees("1 open")
    await desk.pilot.pause()
    await until(lambda: desk.app.focused is not None)
    await desk.press("enter")
    await desk.sees("Overview \u203a INC-1")
    await desk.press("escape")
    await desk.sees("Needs a person")


async def test_the_runs_with_a_deadline_stand_in_the_order_they_are_due_without_those_that_missed_it(
    desk: Desk,
) -> None:
    for name, deadline in (("later", "2h"), ("sooner", "1h")):
        await desk.other.runs.start(name, {"deadline": deadline})
    gone_by = await desk.other.runs.start("gone-by", {"started_at": 1_700_000_000})
    await desk.other.runs.patch(gone_by.uid, {"deadline": "1h"})
    await until(lambda: "gone-by missed its deadline" in desk.frame)
    await until(lambda: "in 59m" in desk.frame)
    pane = [line for line in desk.frame.splitlines() if "in 59m" in line or "in 1h" in line]
    assert "sooner" in pane[0]
    assert "later" in pane[1]
    assert len(pane) == 2


async def test_it_tells_what_happened_since_one_left(server: Server) -> None:
    async with desk_over(server, "overview") as desk:
        await desk.other.runs.start("import")
        await desk.sees("The last 24 hours")
        await until(lambda: desk.app.desk.summary is not None and desk.app.desk.summary.runs.total)
    async with desk_over(server, "overview") as desk:
        await desk.sees("Since you left")
        await desk.sees("0 runs ended")


@pytest.mark.parametrize(("size", "columns"), [((80, 24), 1), ((120, 40), 2), ((160, 50), 3)])
async def test_it_has_as_many_columns_as_the_terminal_has_room_for(
    server: Server, size: tuple[int, int], columns: int
) -> None:
    async with desk_over(server, "overview", size=size) as desk:
        await desk.other.runs.start("import", {"deadline": "30m"})
        await desk.sees("in 29m")
        assert all(pane in desk.frame for pane in PANES)
        assert max(map(len, desk.frame.splitlines())) <= size[0]
        tables = desk.app.screen.query(LiveTable)
        assert len({table.region.right for table in tables if table.region}) == columns


async def test_tab_goes_from_pane_to_pane_and_enter_opens_what_is_there(server: Server) -> None:
    # The run is there before the Overview: panes that stood hidden may give their focus away a little later.
    async with Client(server.url, server.settings.owner_key_file.read_text().strip(), actor="kim@home") as other:
        await other.runs.start("import", {"id": "n1", "deadline": "30m"})
    async with desk_over(server, "overview") as desk:
        await desk.sees("in 29m")
        first, due = (desk.app.screen.query_one(f"#{pane.name}", LiveTable) for pane in panes.PANES[:2])
        await until(lambda: due.selected is not None and desk.app.focused is first)
        await desk.press("tab")
        await until(lambda: desk.app.focused is due)
        await desk.press("shift+tab")
        await until(lambda: desk.app.focused is first)
        await desk.press("tab")
        await until(lambda: desk.app.focused is due)
        await desk.press("enter")
        await desk.sees("Overview \u203a import n1")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)])
async def test_at_every_width_one_sees_how_much_of_a_budget_is_used_and_how_the_last_runs_went(
    server: Server, size: tuple[int, int]
) -> None:
    async with desk_over(server, "overview", size=size) as desk:
        now = int(desk.app.now() / 1_000_000)
        for _ in range(2):
            run = await desk.other.runs.start("a-process-with-quite-a-name", {"started_at": now - 3600})
            await desk.other.runs.complete(run.uid, {"completed_at": now - 3000})
        await desk.other.runs.start("import", {"started_at": now - 1800, "deadline": "1h"})
        await desk.sees("─  50%")
        await desk.sees("▇▇")


async def test_what_is_expected_to_start_stands_among_what_is_due(desk: Desk) -> None:
    await desk.other.runs.start("backup", {"deadline": "2h"})
    await desk.other.processes.patch("report", {"schedule": {"every": "1h"}})
    await desk.sees("○ report")
    await desk.sees("▶ backup")
    board = [line for line in desk.frame.splitlines() if "○ report" in line or "▶ backup" in line]
    assert ["report" in line for line in board] == [True, False]


async def test_what_never_started_needs_a_person_and_its_incident_says_since_when(desk: Desk) -> None:
    run = await desk.other.runs.start("backup", {"id": "n1"})
    await desk.other.runs.log(run.uid, {"message": "copied disk 3"})
    await desk.other.runs.complete(run.uid)
    await desk.other.processes.patch("backup", {"schedule": {"every": "1s"}, "grace": "1s"})
    await desk.sees("? missing")
    await desk.sees("INC-1")
    await until(lambda: desk.app.focused is not None)
    await desk.press("enter")
    await desk.sees("never started")
    await desk.sees("schedule every 1s")
    await desk.sees("Last lines of its last run")
    await desk.sees("copied disk 3")
    await desk.press("w")
    await desk.sees("backup   ? missing")
    await desk.sees("never started: it was expected at")


async def test_runs_a_minute_and_the_share_of_late_ones_are_drawn(server: Server) -> None:
    async with desk_over(server, "runs") as desk:
        run = await desk.other.runs.start("backup", {"deadline": "1h"})
        await desk.other.runs.complete(run.uid)
    async with desk_over(server, "overview") as desk:
        await desk.sees("Runs a minute")
        await desk.sees("ended on time  100.0% in 24 h")
        await desk.sees("Late %")
        assert "0.0 in 24 h" in desk.line("Runs a minute")
