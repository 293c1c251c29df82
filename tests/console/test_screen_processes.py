from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.console.frames import until
from trackdesk.domain.schedule import Cron, Every, upcoming
from trackdesk.widgets import when

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


async def test_what_is_expected_of_it_is_changed_by_a_form_that_says_what_is_wrong_as_one_types(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("e")
    await desk.sees("What is expected of import")
    await desk.sees("it is expected at no certain time")
    await _typed(desk, "schedule", "0 2 30 2 *")
    await desk.sees("never fires")
    await _typed(desk, "schedule", "every 15m")
    await desk.sees("every 15m: the next 5 times by this clock")
    await desk.sees("in 14m")
    await _typed(desk, "grace", "20m")
    await desk.sees("at most 15m")
    await _typed(desk, "grace", "5m")
    await _typed(desk, "default_deadline", "whenever")
    await desk.press("enter")
    await desk.sees("not 'whenever'")
    await _typed(desk, "default_deadline", "30m")
    await desk.press("enter")
    await desk.sees("Saved import")
    saved = await desk.other.processes.get("import")
    assert (saved.default_deadline, saved.grace) == (30 * 60_000_000, 5 * 60_000_000)
    assert saved.schedule == Every.model_construct(every=15 * 60_000_000)


async def test_a_wrong_schedule_is_not_said_to_be_none(desk: Desk) -> None:
    await desk.other.runs.start("backup")
    await desk.sees("\u258c  \u25b6 running")
    await desk.press("e")
    await desk.sees("it is expected at no certain time")
    await desk.type("61 * * * *")
    await desk.sees("bad minute")
    assert "no certain time" not in desk.frame


async def test_a_cron_line_is_previewed_in_its_zone_by_the_clock_of_this_machine(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("e")
    await desk.sees("What is expected of import")
    await _typed(desk, "schedule", "30 2 * * *")
    await _typed(desk, "timezone", "Asia/Kolkata")
    await desk.sees("02:30 Asia/Kolkata: the next 5 times by this clock")
    first = upcoming(Cron(cron="30 2 * * *", timezone="Asia/Kolkata"), desk.app.now(), 1)[0]
    await desk.sees(when.weekday_clock(first))
    await _typed(desk, "timezone", "Mars/Olympus")
    await desk.sees("Mars/Olympus")
    await until(lambda: "Asia/Kolkata" not in desk.frame)


async def test_its_settings_are_changed_by_a_form(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("E")
    await desk.sees("Settings of import")
    await _typed(desk, "runbook_url", "somewhere")
    await desk.press("enter")
    await desk.sees("runbook")
    await until(lambda: "\u2717" in desk.frame)
    await _typed(desk, "runbook_url", "https://wiki.example.org/import")
    await desk.press("enter")
    await desk.sees("Saved import")
    assert (await desk.other.processes.get("import")).runbook_url == "https://wiki.example.org/import"


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("e")
    await desk.sees("What is expected of import")
    await desk.other.processes.patch("import", {"description": "kim's words"})
    await _typed(desk, "default_deadline", "30m")
    await desk.press("enter")
    await desk.sees("kim@home")
    assert (await desk.other.processes.get("import")).default_deadline is None


async def test_w_opens_the_runs_of_the_process_alone(desk: Desk) -> None:
    await desk.other.runs.start("import", {"id": "n1"})
    await desk.other.runs.start("report", {"id": "n2"})
    await desk.sees("report")
    await desk.press("g", "w")
    await desk.sees("Processes \u203a runs of import")
    await desk.sees("n1")
    assert "n2" not in desk.frame


async def test_the_tabs_lead_to_tags_and_figures_and_back_to_the_same_row(desk: Desk) -> None:
    for name in ("import", "report"):
        run = await desk.other.runs.start(name, {"tags": {"env": "prod"}})
        await desk.other.runs.complete(run.uid)
    await desk.sees("report")
    await desk.press("j", "right_square_bracket")
    await desk.sees("env=prod")
    await desk.press("right_square_bracket")
    await desk.sees("Runs of all, last 24h")
    await desk.press("right_square_bracket")
    await desk.sees("[Processes]")
    await until(lambda: desk.line("report").startswith("\u258c"))


async def _typed(desk: Desk, field: str, text: str) -> None:
    """Fill a field as fast as a paste does."""
    box = next(each for each in desk.app.screen.query(Input) if each.name == field)
    box.focus()
    box.value = text


async def test_m_silences_the_process_under_the_cursor(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("import")
    await desk.press("M")
    await desk.sees("Silence process=import")
    await desk.press("tab")
    await desk.type("vendor")
    await desk.press("enter")
    await desk.sees("Silenced for 2h")
    assert (await desk.other.silences.list()).data[0].match == {"process": ["import"]}
