from tests.console.frame_desk import Desk, Incidents, Runs
from tests.console.frames import frame_of, sees, until
from trackdesk.console.sections import Inner, Section
from trackdesk.screens.sections import TabbedViews


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


async def test_a_tab_is_a_command_of_its_own_from_wherever_one_is() -> None:
    watched = Incidents()
    tabs = [("rules", "Rules", lambda _: Runs()), ("silences", "Silences", lambda _: watched)]
    inner = Inner("silences", "Silences", lambda _: watched)
    app = Desk(Section("6", "rules", "Rules", lambda desk: TabbedViews(desk, tabs), filters=False, inner=[inner]))
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("colon", *"sil", "tab", *"late", "enter")
        await sees(app, "[Silences]")
        await until(lambda: watched.filters == ["late"])
        await pilot.press("enter")
        await sees(app, "all about INC-1")
        await pilot.press("colon", *"rules", "enter")
        await sees(app, "[Rules]")
        await pilot.press("colon", *"rules late", "enter")
        await sees(app, "rules has no filter")
        await pilot.press("right_square_bracket", "question_mark")
        await sees(app, "Keys of Silences")


async def test_a_beginning_that_fits_several_commands_is_answered_with_their_names() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await sees(app, "All runs")
        await pilot.press("colon", *"theme", "enter")
        await sees(app, "theme: is it theme dark or theme light or theme deuteranopia?")


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


async def test_palette_and_long_news_are_drawn_in_ascii_where_that_is_asked_for() -> None:
    app = Desk(ascii_only=True)
    async with app.run_test(size=(80, 20)) as pilot:
        await sees(app, "All runs")
        await pilot.press("colon", *"nonsense" * 12, "enter")
        await sees(app, "x nonsensenonsense")
        await pilot.press("ctrl+p", *"incid")
        await sees(app, "Go to Incidents")
        assert frame_of(app).isascii()
