from collections.abc import Sequence

from textual.app import App, ComposeResult

from tests.console.frames import frame_of, sees
from trackdesk.widgets.bar_chart import Bar, BarChart
from trackdesk.widgets.glyphs import Toned


class Chart(App[None]):
    def __init__(self, bars: Sequence[Bar], marks: Sequence[tuple[str, float]] = (), *, ascii_only: bool = False):
        super().__init__()
        self.ascii_only = ascii_only
        self._given = (bars, marks)

    def compose(self) -> ComposeResult:
        yield BarChart("Runs", empty="No run yet")

    def on_mount(self) -> None:
        bars, marks = self._given
        self.query_one(BarChart).put(bars, notes=[Toned("so many", "dim")], marks=marks)


async def _lines(app: Chart, text: str, size: tuple[int, int] = (40, 8)) -> list[str]:
    async with app.run_test(size=size):
        await sees(app, text)
        return frame_of(app).splitlines()


async def test_a_bar_is_as_high_as_its_value_to_an_eighth_of_a_cell() -> None:
    lines = await _lines(Chart([Bar([(6, "ok")]), Bar([(1.5, "ok")])]), "Runs \u2500 so many")
    foot, second, top = lines[6], lines[5], lines[1]
    assert foot.count("\u2588") == 10
    assert second.count("\u2588") == 5
    assert "\u2584" in second
    assert top.split()[0] == "6"


async def test_of_several_parts_the_smallest_is_still_seen() -> None:
    lines = await _lines(Chart([Bar([(1000, "ok"), (1, "fail")])]), "so many")
    assert "\u259a" in lines[1]


async def test_without_bars_it_says_that_there_is_nothing_yet() -> None:
    await _lines(Chart([]), "No run yet")
    await _lines(Chart([Bar(()), Bar(())]), "No run yet")


async def test_more_bars_than_fit_are_told_of() -> None:
    await _lines(Chart([Bar([(1, "ok")])] * 100), "the last 31", (40, 8))


async def test_marked_values_are_lines_across_with_their_names_at_the_scale() -> None:
    lines = await _lines(Chart([Bar([(6, "ok")]), Bar(())], [("p50", 2.9), ("far", 99)]), "p50")
    marked = next(line for line in lines if "p50" in line)
    assert "\u254c" in marked
    assert not any("far" in line for line in lines)


async def test_labels_stand_beneath_their_bars_where_there_is_room() -> None:
    bars = [Bar([(1, "ok")], f"{hour}:00") for hour in range(10, 30)]
    lines = await _lines(Chart(bars), "10:00")
    assert lines[7].split() == ["10:00", "16:00", "22:00", "28:00"]


async def test_in_ascii_only_the_parts_differ_as_well() -> None:
    lines = await _lines(Chart([Bar([(2, "ok"), (2, "late"), (2, "fail")])], ascii_only=True), "so many")
    drawn = "".join(lines)
    assert drawn.isascii()
    assert all(char in drawn for char in "#!x")
