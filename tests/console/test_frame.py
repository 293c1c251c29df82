import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from textual.app import ComposeResult
from textual.widgets import Static

from tests.console.frames import frame_of, sees, until
from trackdesk.client import LiveState, LiveStatus
from trackdesk.console.app import Console
from trackdesk.console.sections import Section
from trackdesk.widgets.columns import Column
from trackdesk.widgets.filter_bar import FilterBar
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.rows import Row
from trackdesk.widgets.table_messages import RowOpened
from trackdesk.widgets.view import Changed, View

LIVE = LiveStatus(LiveState.LIVE)
NOW = 1_700_000_000_000_000


@dataclass
class Event:
    topic: str
    ref: str = ""
    resync: bool = False


class Incidents(View):
    CONTEXTS = ("incident", "list")
    TOPICS = frozenset({"incidents"})

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []
        self.news: list[Changed] = []
        self.filters: list[str] = []
        self.unsaved = ""

    def compose(self) -> ComposeResult:
        yield FilterBar()
        yield LiveTable([Column("name", "what", 10, flex=1)], title="Incidents")

    def on_mount(self) -> None:
        self.query_one(LiveTable).put_rows([Row(f"INC-{n}", {"name": f"incident {n}."}) for n in range(1, 4)])

    @property
    def pending(self) -> str:
        return self.unsaved

    def why_not(self, action: str) -> str | None:
        return "it is open already" if action == "reopen" else None

    def do_take(self) -> None:
        self.taken += [row.key for row in self.query_one(LiveTable).targets]
        self.post_message(self.Say("taken"))

    async def do_assign(self) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("the server said no")

    def do_reopen(self) -> None:
        raise AssertionError("must not be reached")

    def do_filter(self) -> None:
        self.query_one(FilterBar).open_bar()

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        self.filters.append(message.expression)

    def on_row_opened(self, message: RowOpened) -> None:
        self.post_message(self.Open(Detail(message.row.key)))

    def changed(self, change: Changed) -> None:
        self.news.append(change)

    def narrow(self, expression: str) -> None:
        self.query_one(FilterBar).set_expression(expression)


class Detail(View):
    CONTEXTS = ("incident",)

    def __init__(self, ref: str) -> None:
        super().__init__()
        self.ref = ref

    @property
    def heading(self) -> str:
        return self.ref

    def compose(self) -> ComposeResult:
        yield Static(f"all about {self.ref}")


class Runs(View):
    CONTEXTS = ("run", "list")

    def compose(self) -> ComposeResult:
        yield LiveTable([Column("name", "process", 10, flex=1)], title="All runs")

    def on_mount(self) -> None:
        self.query_one(LiveTable).put_rows([])


class Desk(Console):
    """A console over a stream the test writes."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        self.events: asyncio.Queue[Event | LiveStatus] = asyncio.Queue()
        self.incidents = Incidents()
        sections = [
            Section("2", "runs", "Runs", lambda _client: Runs()),
            Section("4", "incidents", "Incidents", lambda _client: self.incidents),
        ]
        super().__init__(
            None,
            sections,
            connect=self.stream,
            server="127.0.0.1:8787",
            now=lambda: NOW,
            log_tail=lambda: "stream opened",
            ascii_only=ascii_only,
        )

    async def stream(self, tell: Callable[[LiveStatus], object]) -> AsyncIterator[Event]:
        while True:
            news = await self.events.get()
            if isinstance(news, LiveStatus):
                tell(news)
            else:
                yield news


async def test_the_frame_says_where_one_is_and_how_live_the_picture_is() -> None:
    app = Desk()
    async with app.run_test(size=(120, 20)):
        await sees(app, "○ connecting")
        app.events.put_nowait(LIVE)
        await sees(app, "● live")
        app.set_counters([Toned("3 open", "fail"), Toned("inbox 4", "run")])
        await sees(app, "3 open · inbox 4")
        lines = frame_of(app).splitlines()
        assert lines[0].startswith(" trackdesk  default  127.0.0.1:8787")
        assert lines[1].startswith(" Runs")
        assert lines[1].rstrip().endswith("2 Runs   4 Incidents")


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


async def test_a_feed_that_dies_does_not_call_the_picture_live() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)):
        app.events.put_nowait(LIVE)
        await sees(app, "● live")
        app.events.put_nowait(None)  # type: ignore[arg-type]
        await sees(app, "✗ offline")
        await sees(app, "The live feed broke")


async def test_the_footer_names_what_can_be_done_here_and_can_be_clicked() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "t take")
        footer = frame_of(app).splitlines()[-1]
        assert "? help" in footer
        assert "m comment" not in footer
        await pilot.click(offset=(footer.index("t take") + 3, 19))
        await until(lambda: app.incidents.taken == ["INC-1"])


async def test_typing_right_after_the_filter_key_lands_in_the_filter() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        await pilot.press("slash", "t", "p", "enter")
        await until(lambda: app.incidents.filters == ["tp"])
        assert app.incidents.taken == []


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


async def test_news_reach_the_visible_view_and_a_hidden_one_when_it_is_seen_again() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.events.put_nowait(Event("incidents", "INC-1"))
        app.events.put_nowait(Event("runs", "x"))
        await until(lambda: app.incidents.news == [Changed("incidents", frozenset({"INC-1"}))])
        await pilot.press("2")
        await sees(app, "All runs")
        app.events.put_nowait(Event("incidents", "INC-2"))
        before = app.epoch
        await until(lambda: app.epoch > before)
        assert len(app.incidents.news) == 1
        await pilot.press("4")
        await until(lambda: app.incidents.news[1:] == [Changed("*", resync=True)])


async def test_a_cleanup_has_every_list_read_again() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.events.put_nowait(Event("cleanup", "everything"))
        await until(lambda: app.incidents.news == [Changed("*", resync=True)])


async def test_a_key_that_works_on_much_says_so_within_the_line() -> None:
    app = Desk()
    async with app.run_test(size=(80, 20)) as pilot:
        await sees(app, "All runs")
        await pilot.press("E")
        await sees(app, "E edit: works on processes, channels, departments and others")


async def test_eighty_columns_show_all_sections() -> None:
    app = Desk()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        names = frame_of(app).splitlines()[1].split()
        assert {section.title for section in app.sections} <= set(names)


async def test_paused_the_screen_is_told_nothing_until_it_goes_on() -> None:
    app = Desk()
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.events.put_nowait(LIVE)
        await until(lambda: app.incidents.news)
        app.incidents.news.clear()
        await pilot.press("P")
        app.events.put_nowait(Event("incidents", "INC-1"))
        await sees(app, "‖ paused, 1 change held")
        assert app.incidents.news == []
        await pilot.press("P")
        await until(lambda: app.incidents.news == [Changed("incidents", frozenset({"INC-1"}))])


@pytest.mark.parametrize("size", [(59, 20), (80, 15)])
async def test_a_terminal_that_is_too_small_says_what_is_needed(size: tuple[int, int]) -> None:
    app = Desk()
    async with app.run_test(size=size) as pilot:
        await sees(app, f"needs 60x16, has {size[0]}x{size[1]}")
        await pilot.resize_terminal(80, 24)
        await sees(app, "All runs")


async def test_narrow_terminals_keep_the_state_the_place_and_help() -> None:
    app = Desk()
    async with app.run_test(size=(60, 16)) as pilot:
        app.events.put_nowait(LIVE)
        app.set_counters([Toned("13 open", "fail"), Toned("2 late", "late"), Toned("inbox 4", "run")])
        await pilot.press("4")
        await sees(app, "● live")
        lines = frame_of(app).splitlines()
        assert max(map(len, lines)) <= 60
        assert "13 open" in lines[0]
        assert "Incidents" in lines[1]
        assert "? help" in lines[-1]


async def test_ascii_only_draws_the_whole_screen_in_ascii() -> None:
    app = Desk(ascii_only=True)
    async with app.run_test(size=(100, 20)) as pilot:
        app.events.put_nowait(LIVE)
        await pilot.press("4", "space", "o")
        await sees(app, "* live")
        await sees(app, "1 marked")
        assert frame_of(app).isascii()


async def test_without_colour_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Desk()
    assert app.no_color
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "▌  incident 1.")
        await pilot.press("space")
        await sees(app, "1 marked")
        styles = {
            segment.text: segment.style
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None
        }
        assert not [text for text, style in styles.items() if style.color is not None or style.bgcolor is not None]
        assert any(style.reverse and style.bold for style in styles.values())
        assert any(style.reverse and "◆" in text for text, style in styles.items())


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
