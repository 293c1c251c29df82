from hypothesis import given
from hypothesis import strategies as st

from trackdesk.widgets.columns import GAP, Column, fit
from trackdesk.widgets.rows import MAX_ROWS, Row, Rows


def rows(*keys: str) -> list[Row]:
    return [Row(key, {"name": key}) for key in keys]


def loaded(*keys: str) -> Rows:
    held = Rows()
    held.replace(rows(*keys), more=False)
    return held


def test_the_first_row_is_selected_when_a_list_arrives() -> None:
    assert loaded("a", "b").cursor == "a"


def test_a_page_that_overlaps_what_came_in_live_shows_no_row_twice() -> None:
    held = loaded("b", "c")
    held.insert(rows("a", "b"))
    held.append(rows("c", "d"), more=False)
    assert [row.key for row in held.loaded] == ["a", "b", "c", "d"]


def test_replacing_tells_which_rows_say_something_new() -> None:
    held = loaded("a", "b")
    assert held.replace([Row("a", {"name": "other"}), *rows("b", "c")], more=False) == {"a"}


def test_marks_of_rows_that_are_gone_are_gone() -> None:
    held = loaded("a", "b")
    held.toggle_mark("a")
    held.remove("a")
    assert held.marked() == []
    assert held.targets() == ["b"]


def test_a_row_that_comes_back_has_another_version_than_before() -> None:
    held = loaded("a", "b")
    before = held.version("a")
    held.remove("a")
    held.insert(rows("a"))
    assert held.version("a") != before


def test_a_list_holds_no_more_rows_than_it_may() -> None:
    held = Rows()
    held.replace((Row(str(n), {}) for n in range(MAX_ROWS)), more=False)
    held.insert(rows("new"))
    assert len(held) == MAX_ROWS
    assert held.full
    assert held.more
    assert held.position(str(MAX_ROWS - 1)) is None


def test_an_unfinished_range_is_dropped_before_the_marks_are() -> None:
    held = loaded("a", "b", "c")
    held.toggle_mark("c")
    held.toggle_range()
    assert held.marked() == ["a", "c"]
    assert held.clear_marks()
    assert held.marked() == ["c"]
    assert held.clear_marks()
    assert not held.clear_marks()


COLUMNS = [
    Column("ref", "ref", 7, priority=1),
    Column("title", "what", 20, flex=2, priority=0),
    Column("who", "who", 8, flex=1, most=12, priority=3),
    Column("age", "age", 6, priority=2),
]


@given(st.integers(20, 300))
def test_columns_never_take_more_room_than_there_is(width: int) -> None:
    fitted = fit(COLUMNS, width)
    assert sum(taken for _, taken in fitted) + GAP * (len(fitted) - 1) <= width
    assert all(taken >= column.width for column, taken in fitted)


@given(st.integers(80, 300))
def test_flexible_columns_take_all_that_is_left_over(width: int) -> None:
    fitted = fit(COLUMNS, width)
    assert sum(taken for _, taken in fitted) + GAP * (len(fitted) - 1) == width
    assert {column.key: taken for column, taken in fitted}["who"] <= 12


def test_the_least_important_column_goes_first() -> None:
    assert [column.key for column, _ in fit(COLUMNS, 40)] == ["ref", "title", "age"]
    assert [column.key for column, _ in fit(COLUMNS, 10)] == ["title"]


def test_a_narrow_column_stands_where_a_broad_one_left_room() -> None:
    columns = [Column("title", "what", 20, priority=0), Column("why", "why", 30), Column("age", "age", 6, priority=2)]
    assert [column.key for column, _ in fit(columns, 40)] == ["title", "age"]
