from datetime import UTC

from trackdesk.widgets.plot import Band, Chart, Line, Pen, Span, area, draw
from trackdesk.widgets.time_chart import Measured, Reading, bridged
from trackdesk.widgets.when import DAY, HOUR, MINUTE, SECOND
from trackdesk.widgets.window import Window

NOW = 1_795_392_000 * SECOND
AT = [NOW - (60 - number) * MINUTE for number in range(60)]
FLAT = Line("p50", [100.0] * 60, "run")


def rows(chart: Chart, pen: Pen | None = None, *, live: bool = True) -> list[str]:
    return ["".join(part.text for part in row) for row in draw(chart, 80, 12, pen or Pen(), zone=UTC, live=live)]


def test_live_lines_stand_where_plotext_would_draw_them() -> None:
    wild = Line("p99", [float(number * 5) for number in range(60)], "late")
    quick, slow = (rows(Chart(AT, [FLAT, wild]), live=live) for live in (True, False))
    assert [len(row) for row in quick] == [len(row) for row in slow]
    assert [row[:8] for row in quick] == [row[:8] for row in slow]
    cells = zip("".join(quick), "".join(slow), strict=True)
    assert sum((one == " ") != (other == " ") for one, other in cells) < 40


def test_the_window_is_as_wide_as_asked_for_whatever_was_measured() -> None:
    whole = Chart(AT, [FLAT], window=(NOW - DAY, NOW))
    drawn = rows(whole)
    assert "12:00" in drawn[-1]
    assert not any(row[8:60].strip("╌ ") for row in drawn[:-1])


def test_an_incident_has_a_rail_with_its_name_between_two_edges() -> None:
    chart = Chart(AT, [FLAT], spans=[Span(NOW - 40 * MINUTE, NOW - 10 * MINUTE, "INC-7")])
    drawn = rows(chart)
    assert "INC-7▔▔▔" in drawn[0]
    first = area(chart, 80).column(NOW - 40 * MINUTE, chart.limits)
    assert drawn[0].index("INC-7") == first
    assert drawn[5][first] == "┊"


def test_an_incident_outside_of_the_window_leaves_nothing() -> None:
    assert rows(Chart(AT, [FLAT], spans=[Span(NOW - DAY, NOW - DAY + HOUR)])) == rows(Chart(AT, [FLAT]))


def test_a_name_with_an_escape_in_it_is_spelt_out() -> None:
    drawn = "".join(rows(Chart(AT, [FLAT], spans=[Span(AT[0], None, "\x1b[2J")], thresholds=[("\x1b[31m", 50.0)])))
    assert "\x1b" not in drawn


def test_a_band_fills_what_lies_between_and_leaves_gaps_open() -> None:
    low: list[float | None] = [None if 20 < number < 40 else 20.0 for number in range(60)]
    high = [None if value is None else 80.0 for value in low]
    drawn = rows(Chart(AT, [FLAT], bands=[Band(low, high)]))
    filled = [row for row in drawn if "⠌⠌⠌" in row]
    assert filled
    assert all("⠌  " in row for row in filled)


def test_all_of_it_is_ascii_where_only_ascii_may_be_drawn() -> None:
    measured = Measured(
        [Reading(at, 9, 20.0, 400.0, 90.0, 100.0, 200.0, 300.0) for at in AT],
        (AT[0], NOW),
        [("limit", 250.0)],
        [Span(AT[9], AT[30], "INC-1")],
    )
    for live in (True, False):
        assert "".join(rows(measured.chart(), Pen(ascii_only=True), live=live)).isascii()


def test_single_samples_are_one_line() -> None:
    measured = Measured([Reading(at, 1, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0) for at in AT], (AT[0], NOW))
    assert [line.name for line in measured.chart().lines] == ["value"]
    assert not measured.chart().bands


def test_the_readout_has_the_numbers_of_one_bucket() -> None:
    said = " ".join(part.text for part in Reading(NOW, 1200, 1.0, 9.0, 5.0, 4.0, 8.0, 8.5).words(NOW))
    assert "p50 4 p95 8 p99 8.5 min 1 max 9 1,200 samples" in said
    assert "nothing measured" in " ".join(part.text for part in Reading(NOW, 0).words(NOW))


def test_a_window_that_follows_goes_on_following_when_it_is_zoomed() -> None:
    assert Window("1h").zoomed("24h", NOW) == Window("24h", None)


def test_a_window_in_the_past_is_zoomed_about_its_middle_and_never_past_the_present() -> None:
    past = Window("1h", NOW - DAY)
    assert past.zoomed("3h", NOW).limits(NOW) == (NOW - DAY - 2 * HOUR, NOW - DAY + HOUR)
    assert past.zoomed("7d", NOW).follows


def test_moved_back_it_stands_still_and_moved_to_the_present_it_follows_again() -> None:
    back = Window("1h").moved(-HOUR // 2, NOW)
    assert back.limits(NOW + MINUTE) == (NOW - HOUR * 3 // 2, NOW - HOUR // 2)
    assert back.moved(HOUR, NOW).follows


def test_an_instant_out_of_sight_moves_the_window_just_so_far() -> None:
    shown = Window("1h").showing(NOW - 2 * HOUR, NOW)
    first, last = shown.limits(NOW)
    assert first < NOW - 2 * HOUR < last
    assert Window("1h").showing(NOW - MINUTE, NOW) == Window("1h")


def test_sparse_samples_are_a_line_and_a_long_silence_a_gap() -> None:
    sparse = [Reading(at, 1 - number % 2, p50=5.0 if number % 2 == 0 else None) for number, at in enumerate(AT)]
    assert all(each.count for each in bridged(sparse))
    silent = [each if number < 20 or number > 40 else Reading(each.at, 0) for number, each in enumerate(sparse)]
    kept = bridged(silent)
    assert [each.at for each in kept if not each.count] == AT[19:42]
