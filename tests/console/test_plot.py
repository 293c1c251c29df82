from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from textual.app import App, ComposeResult

from tests.console.frames import frame_of, sees, until
from trackdesk.widgets import axes
from trackdesk.widgets.axes import DURATIONS, NUMBERS
from trackdesk.widgets.line_plot import LinePlot
from trackdesk.widgets.plot import Chart, Line, Pen, draw
from trackdesk.widgets.when import DAY, HOUR, MINUTE, SECOND

START = 1_795_392_000 * SECOND
AT = [START + number * HOUR for number in range(24)]
STEADY = Line("p50", [20 * SECOND] * 24, "run")
WILD = Line("p99", [(2 + number % 5) * MINUTE for number in range(24)], "late")


def rows(chart: Chart, width: int = 80, height: int = 12, pen: Pen | None = None) -> list[str]:
    return ["".join(part.text for part in row) for row in draw(chart, width, height, pen or Pen(), zone=UTC)]


@pytest.mark.parametrize("width", [20, 58, 80, 120, 160])
def test_a_chart_keeps_to_the_room_it_has(width: int) -> None:
    drawn = rows(Chart(AT, [STEADY, WILD]), width)
    assert len(drawn) == 12
    assert max(map(len, drawn)) <= width


def test_lines_have_their_names_at_their_ends_in_the_order_of_their_values() -> None:
    drawn = rows(Chart(AT, [STEADY, WILD], thresholds=[("limit", 20.5 * MINUTE)]))
    ends = [row.split()[-1] for row in drawn[:-1] if row.split() and row.split()[-1] in {"p50", "p99", "limit"}]
    assert ends == ["limit", "p99", "p50"]


def test_lines_of_the_same_value_still_have_all_their_names() -> None:
    same = [Line(name, [SECOND] * 24, "run") for name in ("a1", "b2", "c3")]
    drawn = "\n".join(rows(Chart(AT, same), height=6))
    assert all(name in drawn for name in ("a1", "b2", "c3"))


def test_a_threshold_is_a_line_across_and_within_the_scale() -> None:
    drawn = rows(Chart(AT, [STEADY], thresholds=[("limit", HOUR)]))
    assert "limit" in drawn[0]
    assert len(set(drawn[0].split()[1])) == 1
    assert drawn[0].split()[0] == "1h"


def test_a_straight_scale_begins_at_nothing_and_a_logarithm_shows_seconds_beside_hours() -> None:
    wide = [Line("p50", [SECOND * 10, 12 * HOUR] * 12, "run")]
    straight = {row[:7].strip() for row in rows(Chart(AT, wide))}
    steep = {row[:7].strip() for row in rows(Chart(AT, wide, log=True))}
    assert "0" in straight
    assert {"10s", "1m", "10m", "1h", "6h"} <= steep


def test_gaps_stay_open_and_a_point_between_two_is_seen() -> None:
    values = [None if number in (5, 7) else 1.0 for number in range(24)]
    drawn = rows(Chart(AT, [Line("n", values, "run")], NUMBERS))
    assert any(" • " in row for row in drawn)


def test_without_any_value_or_room_there_is_nothing_to_draw() -> None:
    assert rows(Chart(AT, [Line("p50", [None] * 24, "run")])) == []
    assert rows(Chart([], [])) == []
    assert rows(Chart(AT, [STEADY]), 11, 12) == []
    assert rows(Chart(AT, [STEADY]), 80, 2) == []


def test_one_point_of_time_is_a_chart_too() -> None:
    assert any("•" in row for row in rows(Chart(AT[:1], [Line("p50", [SECOND], "run")])))


def test_lines_differ_in_ascii_and_without_colour() -> None:
    chart = Chart(AT, [STEADY, WILD])
    plain = "".join(rows(chart, pen=Pen(ascii_only=True)))
    assert plain.isascii()
    assert "..." in plain
    assert "o" in plain
    assert "\u00b7" in "".join(rows(chart, pen=Pen(coloured=False)))


def test_parts_have_the_roles_of_their_lines() -> None:
    found = {part.role for row in draw(Chart(AT, [STEADY, WILD]), 80, 12, Pen()) for part in row}
    assert found == {"dim", "run", "late"}


def test_a_line_with_too_few_values_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="line 'p50': 1 values for 24 times"):
        Chart(AT, [Line("p50", [1.0], "run")])


def test_times_are_clocks_and_days_where_they_begin() -> None:
    assert [said for _, said in axes.times(START, START + 23 * HOUR, 4, UTC)] == ["00:00", "06:00", "12:00", "18:00"]
    assert [said for _, said in axes.times(START, START + 2 * DAY, 4, UTC)][:3] == ["23 Nov", "12:00", "24 Nov"]
    assert axes.times(START, START + 30 * DAY, 5, UTC)[0][1] == "23 Nov"


def test_noon_is_noon_also_on_the_day_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = 1_792_792_800 * SECOND  # 24 October 2026, 00:00 there; the clocks go back on the 25th
    found = axes.times(before, before + 3 * DAY, 8, berlin)
    assert {said for _, said in found} == {"24 Oct", "25 Oct", "26 Oct", "12:00"}


def test_no_two_ticks_of_durations_are_said_alike() -> None:
    for highest in (3_000, 70 * SECOND, 95 * MINUTE, 40 * HOUR, 9 * DAY):
        said = [words for _, words in axes.scale([highest], DURATIONS, 7).ticks]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize("measure", [NUMBERS, DURATIONS])
@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [1e-9], [3.0], [1e18], [-5.0, 5.0], [7.0, 1e15]])
@pytest.mark.parametrize("log", [False, True])
def test_every_value_is_within_its_scale(measure: axes.Measure, values: list[float], log: bool) -> None:
    over = axes.scale(values, measure, 5, log=log)
    assert all(-1e-9 <= over.share(value) <= 1 + 1e-9 for value in values)
    assert all(len(said) <= 7 for _, said in over.ticks)


@pytest.mark.parametrize("values", [[91.2], [91.2, 91.2 + 1e-13], [-4.0, -4.0], [1e15, 1e15 + 1], [70.0, 90.0], []])
def test_a_scale_that_need_not_begin_at_zero_has_room_for_every_value(values: list[float]) -> None:
    over = axes.scale(values, NUMBERS, 5, from_zero=False)
    assert over.low < over.high
    assert all(-1e-9 <= over.share(value) <= 1 + 1e-9 for value in values)


class Plot(App[None]):
    def compose(self) -> ComposeResult:
        yield LinePlot("Times", empty="No run yet")


async def test_the_plot_names_its_lines_and_fits_anew_when_resized() -> None:
    async with Plot().run_test(size=(80, 12)) as pilot:
        plot = pilot.app.query_one(LinePlot)
        plot.put(Chart(AT, [STEADY, WILD]))
        await sees(pilot.app, "p99 ─")
        await until(lambda: frame_of(pilot.app).count("p99") == 2)
        await pilot.resize_terminal(50, 10)
        await until(lambda: any(row.rstrip().endswith("p99") and len(row.rstrip()) <= 50 for row in _lines(pilot.app)))


async def test_what_is_shown_stays_until_the_next_is_drawn() -> None:
    async with Plot().run_test(size=(80, 12)) as pilot:
        plot = pilot.app.query_one(LinePlot)
        plot.put(Chart(AT, [STEADY]))
        await until(lambda: frame_of(pilot.app).count("p50") == 2)
        plot.put(Chart(AT, [Line("p99", [MINUTE] * 24, "late")]))
        await sees(pilot.app, "p99 ─")
        assert frame_of(pilot.app).count("p50") == 1
        await until(lambda: frame_of(pilot.app).count("p50") == 0)


async def test_a_plot_without_values_says_so() -> None:
    async with Plot().run_test(size=(80, 12)) as pilot:
        pilot.app.query_one(LinePlot).put(Chart([], []))
        await sees(pilot.app, "No run yet")


def _lines(app: App[None]) -> list[str]:
    return frame_of(app).splitlines()


def test_a_long_name_of_a_threshold_says_that_it_is_cut() -> None:
    chart = Chart(AT, [STEADY], thresholds=[("the disk is nearly full", HOUR)])
    assert any("the disk is n…" in row for row in rows(chart))
