from textual.app import App, ComposeResult

from tests.console.frames import frame_of, sees, until
from trackdesk.widgets.log_view import MAX_LINES, LogLine, LogView
from trackdesk.widgets.timeline import Entry, Timeline
from trackdesk.widgets.when import SECOND

START = 1_700_000_000_000_000


def line(number: int, level: str = "INFO") -> LogLine:
    return LogLine(START + number * SECOND, level, f"line {number}.")


class LogApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.log_view = LogView()
        self.older = 0

    def compose(self) -> ComposeResult:
        yield self.log_view

    def on_mount(self) -> None:
        self.log_view.focus()

    def on_log_view_older_needed(self) -> None:
        self.older += 1


async def test_a_log_follows_its_end_until_one_scrolls_up() -> None:
    app = LogApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.log_view.put_lines(line(n) for n in range(50))
        await sees(app, "line 49.")
        await pilot.press("k")
        app.log_view.add_lines([line(50), line(51)])
        await sees(app, "+2 new lines, f follows")
        assert "line 51." not in frame_of(app)
        await pilot.press("f")
        await sees(app, "line 51.")
        assert "new line" not in frame_of(app)


async def test_the_level_key_hides_what_is_less_urgent() -> None:
    app = LogApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.log_view.put_lines([line(1), line(2, "WARN"), line(3, "ERROR"), line(4, "DEBUG")])
        await pilot.press("l", "l")
        await sees(app, "WARN and above")
        assert "line 1." not in frame_of(app)
        assert "line 3." in frame_of(app)
        await pilot.press("l", "l")
        await sees(app, "line 4.")


async def test_a_message_of_many_lines_keeps_them_under_its_first() -> None:
    app = LogApp()
    async with app.run_test(size=(60, 10)):
        app.log_view.put_lines([LogLine(START, "ERROR", "Traceback:\n  File x\n\x1b[2JValueError")])
        await sees(app, r"\e[2JValueError")
        lines = frame_of(app).splitlines()
        assert lines[2].index("File") == lines[1].index("Traceback") + 2


async def test_the_top_of_a_log_asks_for_what_came_before_and_keeps_the_place() -> None:
    app = LogApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.log_view.put_lines((line(n) for n in range(50, 90)), older=True)
        await pilot.press("g")
        await until(lambda: app.older == 1)
        app.log_view.put_older([line(n) for n in range(50)])
        await sees(app, "line 50.")
        assert "line 49." not in frame_of(app)


async def test_a_log_keeps_no_more_lines_than_it_may() -> None:
    app = LogApp()
    async with app.run_test(size=(60, 10)):
        app.log_view.put_lines(line(n) for n in range(MAX_LINES))
        app.log_view.add_lines(line(n) for n in range(MAX_LINES, MAX_LINES + 10))
        await sees(app, f"line {MAX_LINES + 9}.")
        assert app.log_view.virtual_size.height <= MAX_LINES + 1


class TimelineApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Timeline(now=lambda: START)


async def test_a_timeline_wraps_long_words_beside_their_kind() -> None:
    app = TimelineApp()
    async with app.run_test(size=(44, 10)):
        timeline = app.query_one(Timeline)
        timeline.put_entries(
            [
                Entry(START, "opened", "deadline passed", "fail"),
                Entry(START, "comment", "wait for the other job, then rerun"),
            ]
        )
        await sees(app, "then rerun")
        lines = frame_of(app).splitlines()
        assert lines[2].index("wait") == lines[3].index("job, then rerun") == lines[1].index("deadline")
