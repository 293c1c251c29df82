import pytest
from rich.console import RenderableType
from textual._compositor import LayoutUpdate
from textual.screen import Screen

from tests.console.frame_desk import Desk
from tests.console.frames import frame_of, sees, until


async def test_number_keys_go_to_sections_and_minus_goes_back_to_the_last() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("2")
        await sees(app, "All runs")
        await pilot.press("minus")
        await sees(app, "incident 1.")


async def test_what_is_opened_adds_a_crumb_and_escape_takes_it_away() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4", "enter")
        await sees(app, "Incidents \u203a INC-1")
        assert "all about INC-1" in frame_of(app)
        await pilot.press("escape")
        await until(lambda: "\u203a" not in frame_of(app))
        await pilot.press("q")
        await sees(app, "ctrl+q quits")


async def test_a_click_on_a_crumb_goes_back_there() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4", "enter")
        await sees(app, "INC-1")
        await pilot.click(offset=(3, 1))
        await until(lambda: "all about" not in frame_of(app))


async def test_a_key_acts_on_the_marked_rows_and_the_result_is_said() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("space", "space", "t")
        await sees(app, "✓ taken")
        assert app.incidents.taken == ["INC-1", "INC-2"]
        await pilot.press("escape")
        await until(lambda: "marked" not in frame_of(app))


async def test_a_key_that_is_not_possible_says_why() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("o")
        await sees(app, "o reopen: it is open already")
        await pilot.press("x")
        await sees(app, "x fail: works on runs")
        await pilot.press("m")
        await sees(app, "m comment: is not for here")


async def test_a_deed_that_fails_is_said_and_the_console_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("a")
        await sees(app, "✗ the server said no")
        await pilot.press("t")
        await sees(app, "✓ taken")


async def test_typing_right_after_the_filter_key_lands_in_the_filter() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("slash", "t", "p", "enter")
        await until(lambda: app.incidents.filters == ["tp"])
        assert app.incidents.taken == []


async def test_a_key_that_works_on_much_says_so_within_the_line() -> None:
    app = Desk()
    async with app.run_test(size=(80, 20)) as pilot:
        await sees(app, "All runs")
        await pilot.press("E")
        await sees(app, "E edit: works on processes, channels, departments and others")


async def test_quitting_asks_only_when_something_is_not_done_yet() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.incidents.unsaved = "a comment on INC-1"
        await pilot.press("2", "ctrl+q")
        await sees(app, "Not done yet: a comment on INC-1")
        await pilot.press("n")
        app.incidents.unsaved = ""
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running)


class Watched(Desk):
    """Notes what is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: list[object] = []

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if renderable is not None and not self._batch_count:
            self.painted.append((screen, type(renderable)))
        super()._display(screen, renderable)


async def test_a_section_seen_before_is_painted_whole_in_the_turn_of_its_key() -> None:
    app = Watched()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("2")
        await sees(app, "All runs")
        app.painted.clear()
        app.go("incidents")
        assert app.painted == [(app.frame, LayoutUpdate)]


async def test_a_section_laid_out_for_another_terminal_is_not_painted_before_it_is_laid_out_anew() -> None:
    app = Watched()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("2")
        await sees(app, "All runs")
        await pilot.resize_terminal(70, 20)
        app.painted.clear()
        app.go("incidents")
        assert app.painted == []
        await sees(app, "incident 1.")
