from tests.console.frame_desk import Desk
from tests.console.frames import frame_of, sees, until


async def test_commands_go_places_complete_and_are_recalled() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("colon", *"inci", "tab", *"late", "enter")
        await until(lambda: app.incidents.filters == ["late"])
        assert app.current_mode == "incidents"
        await pilot.press("colon", *"nonsense", "enter")
        await sees(app, "nonsense: no such command")
        await pilot.press("colon", "up", "up")
        await sees(app, ":incidents late")
        await pilot.press("escape")


async def test_a_command_changes_the_theme() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("colon", *"theme light", "enter")
        await until(lambda: app.theme == "trackdesk-light")


async def test_the_log_of_the_console_can_be_read() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("colon", *"logs", "enter")
        await sees(app, "stream opened")


async def test_help_lists_the_keys_of_the_place() -> None:
    app = Desk()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "question_mark")
        await sees(app, "Keys of Incidents")
        assert "Take the incident" in frame_of(app)
        assert "End the run as failed" not in frame_of(app)
        await pilot.press("question_mark")
        await until(lambda: "Keys of" not in frame_of(app))


async def test_the_palette_finds_a_command_and_runs_it() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("ctrl+p", *"take")
        await sees(app, "Take the incident")
        await pilot.press("enter")
        await until(lambda: app.incidents.taken == ["INC-1"])
