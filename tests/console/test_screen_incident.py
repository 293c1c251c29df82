from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.widgets.time_chart import TimeChart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "incidents"


@asynccontextmanager
async def late_backup(server: Server, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Desk]:
    """A backup that missed its deadline, its incident open on the screen."""
    async with desk_over(server, "incidents", size=size) as desk:
        await desk.other.processes.patch("backup", {"runbook_url": "https://wiki.example.org/backup"})
        run = await desk.other.runs.start("backup", {"started_at": 1_800_000_000 - 10_000_000})
        await desk.other.runs.patch(run.uid, {"deadline": "30m"})
        await desk.other.runs.log(run.uid, [{"message": "copying disk 3"}, {"message": "slow", "level": "WARN"}])
        await desk.sees("backup missed")
        await desk.press("enter")
        await desk.sees("origin missed")
        yield desk


async def test_it_tells_where_it_came_from_what_happened_and_who_was_told(server: Server) -> None:
    async with late_backup(server) as desk:
        for text in ("origin missed", "process backup", "runbook https://wiki.example.org/backup", "! high", "● open"):
            await desk.sees(text)
        await desk.sees("opened      backup missed its deadline of 30m")
        await desk.sees("run: its deadline passed")
        await desk.sees("WARN  slow")
        await desk.sees("Last runs of backup")
        await desk.sees("in the inbox of department default")
        await desk.sees("there was no channel to tell")


async def test_new_lines_of_its_run_come_by_themselves(server: Server) -> None:
    async with late_backup(server) as desk:
        uid = (await desk.other.runs.list()).data[0].uid
        await desk.other.runs.log(uid, {"message": "disk 4 at last"})
        await desk.sees("disk 4 at last")


async def test_it_is_taken_started_and_closed_by_key_and_the_timeline_tells(server: Server) -> None:
    async with late_backup(server) as desk:
        for key, text in (("t", "triaged"), ("s", "started"), ("c", "closed")):
            await desk.press(key)
            await desk.sees(f"{text} ")
        await desk.sees("✓ closed")
        await desk.sees("by ada@desk")
        await desk.sees("closed by hand")
        await desk.press("t")
        await desk.sees("t take: INC-1 is closed; o opens it again")


async def test_a_comment_is_written_shown_whole_and_taken_back(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.press("m")
        await desk.sees("Comment on INC-1")
        await desk.type("rerun waits")
        await desk.press("enter")
        await desk.sees("ada@desk (via owner): rerun waits")
        await desk.press("u")
        await desk.misses("rerun waits")
        await desk.sees("withdrawn")


async def test_extending_the_deadline_of_its_run_closes_it(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.press("e")
        await desk.sees("1h from now on")
        await desk.press("3")
        await desk.sees("backup is due")
        await desk.sees("✓ closed")


async def test_another_time_for_the_deadline_is_checked_before_it_is_sent(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.press("e")
        await desk.sees("another time")
        await desk.press("7")
        await desk.sees("by, or until")
        await desk.type("soon")
        await desk.press("enter")
        await desk.sees("expected 45m, 1h30m, 18:00 or")
        await desk.press(*["backspace"] * 4)
        await desk.type("45m")
        await desk.press("enter")
        await desk.sees("✓ closed")


async def test_what_was_done_on_the_list_is_undone_from_the_incident(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.press("escape", "t")
        await desk.sees("INC-1 taken")
        await desk.press("enter")
        await desk.sees("with ada")
        await desk.press("u")
        await desk.sees("with nobody")


async def test_w_goes_to_its_run_and_esc_comes_back(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.press("w")
        await desk.sees("INC-1 \u203a backup")
        await desk.press("escape")
        await desk.sees("Who was told, or not")


async def test_another_person_closing_it_is_seen_at_once(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.other.incidents.patch(1, {"status": "CLOSED"})
        await desk.sees("✓ closed")
        await desk.sees("by kim@home")


async def test_a_deleted_incident_is_left_with_a_word(server: Server) -> None:
    async with late_backup(server) as desk:
        await desk.press("D")
        await desk.sees("Delete INC-1")
        await desk.press("y")
        await desk.sees("No incident is open")


async def test_on_eighty_columns_tabs_lead_through_the_panes(server: Server) -> None:
    async with late_backup(server, (80, 24)) as desk:
        await desk.sees("[timeline]")
        assert "copying disk 3" not in desk.frame
        await desk.press("right_square_bracket")
        await desk.sees("copying disk 3")
        await desk.press("right_square_bracket")
        await desk.sees("What changed in the hour before")
        await desk.press("right_square_bracket")
        await desk.sees("there was no channel to tell")
        assert all(len(line) <= 80 for line in desk.frame.splitlines())


async def test_a_lost_server_keeps_what_is_shown_and_says_that_it_is_old(server: Server) -> None:
    async with late_backup(server) as desk:
        await server.stop()
        await desk.sees("this is old")
        assert "backup missed its deadline" in desk.frame
        await until(lambda: "live" not in desk.frame.splitlines()[0])
        await until(lambda: "1 open" not in desk.frame.splitlines()[0])


async def test_an_incident_of_no_process_has_no_log_but_what_changed(server: Server) -> None:
    async with desk_over(server, "incidents", size=(80, 24)) as desk:
        await desk.report("Rack 4 is warm")
        await desk.sees("Rack 4")
        await desk.press("enter")
        await desk.sees("origin report")
        await desk.sees("[timeline]")
        await until(lambda: " log " not in desk.line("[timeline]"))
        await desk.press("right_square_bracket")
        await desk.sees("Nothing that is known of")


async def test_a_rules_incident_has_the_chart_around_the_breach_with_its_threshold(desk: Desk) -> None:
    await desk.other.rules.add({"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 90})
    await desk.other.metrics.send({"service": "shop", "metric_type": "LATENCY_MS", "value": 150.0})
    await desk.sees("INC-1")
    await desk.press("enter")
    await desk.sees("LATENCY_MS of shop")
    chart = desk.app.screen.query_one(TimeChart)
    await until(lambda: chart.measured is not None)
    assert chart.measured is not None
    assert chart.measured.thresholds == [("slow", 90.0)]
    await desk.press("w")
    await desk.sees("INC-1 \u203a shop")


async def test_a_file_is_attached_from_the_disk_and_saved_to_it(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "shot.txt").write_text("it was red")
    incident = await desk.report("Rack 4 is warm")
    await desk.sees("Rack 4")
    await desk.press("enter")
    await desk.sees("origin report")
    await desk.press("U")
    await desk.sees("Attach a file to INC-1")
    await desk.type(str(tmp_path / "none.txt"))
    await desk.press("enter")
    await desk.sees("is not there")
    await until(lambda: isinstance(desk.app.focused, Input))
    desk.app.focused.value = str(tmp_path / "shot.txt")
    await desk.press("enter")
    await desk.sees("Attached shot.txt to INC-1")
    assert [each.name for each in (await desk.other.attachments.list(incident.id)).data] == ["shot.txt"]
    await desk.sees("Files \u2500 1")
    await until(lambda: desk.app.screen.query_one("#files").region)
    desk.app.screen.set_focus(desk.app.screen.query_one("#files"))
    await desk.press("enter", "1")
    await desk.sees("Save shot.txt")
    await until(lambda: isinstance(desk.app.focused, Input))
    desk.app.focused.value = str(tmp_path / "again.txt")
    await desk.press("enter")
    await desk.sees("Saved ")
    assert (tmp_path / "again.txt").read_text() == "it was red"


async def test_the_postmortem_is_written_to_a_file_and_never_over_another_unasked(desk: Desk, tmp_path: Path) -> None:
    await desk.report("Rack 4 is warm")
    await desk.sees("Rack 4")
    await desk.press("enter")
    await desk.sees("origin report")
    target = tmp_path / "told.md"
    target.write_text("mine")
    await desk.press("X")
    await desk.sees("Save INC-1.md")
    await until(lambda: isinstance(desk.app.focused, Input))
    desk.app.focused.value = str(target)
    await desk.press("enter")
    await desk.sees("Write over")
    assert target.read_text() == "mine"
    await desk.press("y")
    await desk.sees("Saved ")
    assert "Rack 4 is warm" in target.read_text()
