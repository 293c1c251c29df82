from typing import TYPE_CHECKING

from textual import events
from textual.app import App, ComposeResult

from tests.console.frames import frame_of, sees, until
from trackdesk.widgets.cells import due
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty, Failure
from trackdesk.widgets.filter_bar import FilterBar
from trackdesk.widgets.glyphs import Toned, run_status
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.rows import Row
from trackdesk.widgets.table_messages import MoreNeeded, RowOpened, SortRequested
from trackdesk.widgets.when import MINUTE, SECOND

if TYPE_CHECKING:
    from textual.message import Message

START = 1_700_000_000_000_000
COLUMNS = [
    Column("status", "status", 10, sortable=True, priority=0),
    Column("name", "process", 12, flex=1, sortable=True, priority=0),
    Column("count", "seen", 6, align="right", priority=2),
]


def row(number: int, name: str = "", status: str = "ACTIVE") -> Row:
    return Row(
        f"r{number}",
        {"status": run_status(status), "name": name or f"job-{number}", "count": Toned(str(number), "dim")},
    )


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[Message] = []
        self.at = START
        self.table = LiveTable(
            COLUMNS, title="Runs", empty=Empty("No runs yet", "trackdesk start demo"), now=lambda: self.at
        )

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()

    def on_more_needed(self, message: MoreNeeded) -> None:
        self.said.append(message)

    def on_row_opened(self, message: RowOpened) -> None:
        self.said.append(message)

    def on_sort_requested(self, message: SortRequested) -> None:
        self.said.append(message)


async def test_rows_stand_under_their_titles_with_numbers_at_the_right() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)):
        app.table.put_rows([row(1), row(20)])
        await sees(app, "job-20")
        lines = frame_of(app).splitlines()
        assert lines[0].startswith("─ Runs ─ 2 ─")
        assert "▶ running" in lines[2]
        assert lines[1].rstrip().endswith("seen")
        assert len(lines[2].rstrip()) == len(lines[3].rstrip()) == len(lines[1].rstrip())


async def test_the_next_page_is_asked_for_once_when_the_reader_nears_the_end() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)) as pilot:
        app.table.put_rows([row(n) for n in range(50)], more=True, total=10_000, capped=True)
        await sees(app, "50 of >10,000")
        assert not app.said
        await pilot.press("G")
        await until(lambda: app.said)
        await pilot.press("k", "j")
        assert len(app.said) == 1
        app.table.append_page([row(n) for n in range(50, 60)], total=60)
        await sees(app, "─ 60 ─")
        assert app.table.selected == row(49)


async def test_the_cursor_stays_on_its_row_when_rows_come_and_go_above_it() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.put_rows([row(n) for n in range(40)])
        await pilot.press("G")
        line = _line_of(app, "job-39")
        app.table.insert_rows([row(100), row(101)])
        await sees(app, "2 new")
        assert app.table.selected == row(39)
        assert _line_of(app, "job-39") == line
        app.table.remove_row("r3")
        await until(lambda: _line_of(app, "job-39") == line)


async def test_when_the_selected_row_goes_the_row_in_its_place_is_selected() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.put_rows([row(n) for n in range(5)])
        await pilot.press("j", "j")
        app.table.remove_row("r2")
        assert app.table.selected == row(3)


async def test_a_list_loaded_anew_keeps_cursor_and_marks_by_key() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)) as pilot:
        app.table.put_rows([row(n) for n in range(5)])
        await pilot.press("j", "space")
        app.table.put_rows([row(9), *[row(n) for n in range(5)]])
        assert [target.key for target in app.table.targets] == ["r1"]
        assert app.table.selected == row(2)
        await sees(app, "1 marked")


async def test_a_range_is_marked_from_v_to_where_one_goes() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)) as pilot:
        app.table.put_rows([row(n) for n in range(8)])
        await pilot.press("j", "v", "j", "j", "v", "j", "j")
        assert [target.key for target in app.table.targets] == ["r1", "r2", "r3"]
        assert app.table.clear_marks()
        assert [target.key for target in app.table.targets] == ["r5"]


async def test_a_changed_row_is_marked_for_two_seconds_and_calm_after_it() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)):
        app.table.put_rows([row(1), row(2)])
        app.table.update_row(row(2, status="FAILED"))
        await sees(app, " • ✗ failed")
        await until(lambda: "•" not in frame_of(app))
        assert "✗ failed" in frame_of(app)


async def test_an_update_that_says_nothing_new_marks_nothing() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)):
        app.table.put_rows([row(1)])
        assert app.table.update_row(row(1))
        assert not app.table.update_row(row(7))
        await sees(app, "job-1")
        assert "•" not in frame_of(app)


async def test_enter_and_double_click_open_the_row() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)) as pilot:
        app.table.put_rows([row(1), row(2)])
        await pilot.press("enter")
        await pilot.double_click(app.table, offset=(6, 3))
        await until(lambda: len(app.said) == 2)
        assert [message.row.key for message in app.said if isinstance(message, RowOpened)] == ["r1", "r2"]


async def test_a_click_on_a_title_asks_to_sort_and_a_second_one_turns_it_around() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)) as pilot:
        app.table.put_rows([row(1)])
        await pilot.click(app.table, offset=(20, 1))
        await until(lambda: app.said)
        app.table.set_sort("name")
        await sees(app, "process ▴")
        await pilot.click(app.table, offset=(20, 1))
        await until(lambda: len(app.said) == 2)
        asked = [(message.column, message.descending) for message in app.said if isinstance(message, SortRequested)]
        assert asked == [("name", False), ("name", True)]


async def test_the_wheel_scrolls_without_moving_the_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)) as pilot:
        app.table.put_rows([row(n) for n in range(40)])
        await sees(app, "job-0")
        await until(lambda: app.table.allow_vertical_scroll)
        await pilot._post_mouse_events([events.MouseScrollDown], app.table, offset=(5, 5))
        await until(lambda: app.table.scroll_offset.y > 0)
        assert app.table.selected == row(0)


async def test_an_empty_list_names_the_command_that_fills_it() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)):
        app.table.put_rows([])
        await sees(app, "trackdesk start demo")
        assert "No runs yet" in frame_of(app)


async def test_a_list_filtered_to_nothing_shows_the_filter_and_the_way_out() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)):
        app.table.set_filter("late team=ops")
        app.table.put_rows([])
        await sees(app, "esc shows everything")
        assert "/late team=ops" in frame_of(app)


async def test_a_failed_load_keeps_the_old_rows_and_says_when_it_is_tried_again() -> None:
    app = TableApp()
    async with app.run_test(size=(70, 12)):
        app.table.put_rows([row(1)])
        app.table.show_failure(Failure("connection refused", START, START + 5 * SECOND))
        await sees(app, "tried again in 5s")
        assert "job-1" in frame_of(app)
        app.at += 2 * SECOND
        app.table.tick()
        await sees(app, "tried again in 3s")
        app.table.put_rows([row(1)])
        await until(lambda: "refused" not in frame_of(app))


async def test_a_first_load_that_fails_says_so_in_the_middle() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)):
        app.table.show_loading()
        app.table.show_failure(Failure("no route to host", START))
        await sees(app, "no route to host")
        assert "r tries again" in frame_of(app)


async def test_a_slow_load_is_admitted_and_a_quick_one_is_not() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 12)):
        app.table.show_loading()
        assert app.table.face == "waiting"
        assert "loading" not in frame_of(app)
        await sees(app, "loading…")
        app.table.put_rows([row(1)])
        assert app.table.face == "rows"


async def test_escape_codes_in_a_cell_are_shown_and_not_executed() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 8)):
        app.table.put_rows([row(1, "\x1b[31mred\x07"), row(2, "[bold]as is[/]")])
        await sees(app, r"\e[31mred\x07")
        assert "[bold]as is[/]" in frame_of(app)


async def test_time_passing_repaints_only_what_says_something_else() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 8)):
        timed = Row("t", {"status": run_status("ACTIVE"), "name": due(app.at + MINUTE)})
        app.table.put_rows([timed, row(2)])
        app.table.tick()
        await sees(app, "in 1m")
        before = app.table.rows.version("r2")
        app.at += 3 * MINUTE
        app.table.tick()
        await sees(app, "late 2m")
        assert app.table.rows.version("r2") == before


async def test_narrow_terminals_drop_the_least_important_column() -> None:
    app = TableApp()
    async with app.run_test(size=(32, 8)):
        app.table.put_rows([row(1)])
        await sees(app, "job-1")
        assert "seen" not in frame_of(app)


async def test_ascii_only_draws_nothing_but_ascii() -> None:
    app = TableApp()
    app.ascii_only = True  # type: ignore[attr-defined]
    async with app.run_test(size=(50, 8)) as pilot:
        app.table.set_sort("name", descending=True)
        app.table.put_rows([row(1, "x" * 90), row(2, status="FAILED")], more=True, total=9)
        await pilot.press("space")
        await sees(app, "1 marked")
        assert "".join(strip.text for strip in _strips(app)).isascii()


def _strips(app: TableApp) -> list:
    return [app.table.render_line(y) for y in range(app.table.size.height)]


def _line_of(app: TableApp, text: str) -> int:
    return next((at for at, line in enumerate(frame_of(app).splitlines()) if text in line), -1)


async def test_the_last_row_is_gone_to_through_all_pages_and_a_range_covers_them() -> None:
    app = TableApp()
    async with app.run_test(size=(70, 12)) as pilot:
        app.table.put_rows([row(n) for n in range(100)], more=True, total=300)
        await pilot.press("v", "G")
        for first in (100, 200):
            await until(lambda page=first // 100: len(app.said) == page)
            await sees(app, "loading to the end")
            app.table.append_page([row(n) for n in range(first, first + 100)], more=first < 200)
        await sees(app, "job-299")
        assert app.table.rows.cursor == "r299"
        assert len(app.table.targets) == 300
        assert "loading to the end" not in frame_of(app)


async def test_another_key_stops_the_way_to_the_last_row() -> None:
    app = TableApp()
    async with app.run_test(size=(70, 12)) as pilot:
        app.table.put_rows([row(n) for n in range(100)], more=True, total=300)
        await pilot.press("G", "g")
        await until(lambda: app.said)
        app.table.append_page([row(n) for n in range(100, 200)], more=True)
        await sees(app, "job-0")
        assert app.table.rows.cursor == "r0"
        assert len(app.said) == 1


async def test_what_a_filter_accepts_is_wrapped_and_not_cut_on_80_columns() -> None:
    class FilterApp(App[None]):
        def compose(self) -> ComposeResult:
            yield FilterBar()

    app = FilterApp()
    async with app.run_test(size=(80, 8)):
        bar = app.query_one(FilterBar)
        bar.open_bar()
        bar.say_error("at character 10: severity: expected one of LOW, MEDIUM, HIGH, CRITICAL, not 'hi'")
        await sees(app, "expected one of")
        await sees(app, "CRITICAL, not 'hi'")
