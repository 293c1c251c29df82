from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.console.frames import until

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk

SECTION = "processes"


async def _fail(desk: Desk, process: str) -> None:
    run = await desk.other.runs.start(process)
    await desk.other.runs.complete(run.uid, {"status": "FAILED", "error": {"message": "no route"}})


async def test_each_process_shows_how_its_last_runs_went(desk: Desk) -> None:
    for _ in range(3):
        run = await desk.other.runs.start("import")
        await desk.other.runs.complete(run.uid)
    await _fail(desk, "import")
    await desk.sees("✗ failing")
    await until(lambda: "75%" in desk.line("import"))
    assert desk.line("import").count("✗") == 2


async def test_its_settings_are_changed_by_a_form_that_says_what_is_wrong(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("E")
    await desk.sees("Settings of import")
    assert isinstance(desk.app.focused, Input)
    desk.app.focused.value = "whenever"
    await desk.press("enter")
    await desk.sees("not 'whenever'")
    desk.app.focused.value = "30m"
    await desk.press("enter")
    await desk.sees("Saved import")
    assert (await desk.other.processes.get("import")).default_deadline == 30 * 60_000_000
    await until(lambda: "30m" in desk.line("import"))


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("E")
    await desk.sees("Settings of import")
    await desk.other.processes.patch("import", {"description": "kim's words"})
    assert isinstance(desk.app.focused, Input)
    desk.app.focused.value = "30m"
    await desk.press("enter")
    await desk.sees("kim@home")
    assert (await desk.other.processes.get("import")).default_deadline is None


async def test_enter_opens_the_runs_of_the_process_alone(desk: Desk) -> None:
    await desk.other.runs.start("import", {"id": "n1"})
    await desk.other.runs.start("report", {"id": "n2"})
    await desk.sees("report")
    await desk.press("g", "enter")
    await desk.sees("Processes \u203a import")
    await desk.sees("n1")
    assert "n2" not in desk.frame
