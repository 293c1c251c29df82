import json
import unicodedata
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from trackdesk.domain.safe import as_json, as_signs, safe_lines, safe_text
from trackdesk.widgets import budget, glyphs, when
from trackdesk.widgets.cells import draw
from trackdesk.widgets.look import Look
from trackdesk.widgets.when import DAY, HOUR, MINUTE, SECOND, WEEK
from trackdesk.widgets.wrap import wrapped

NOW = 1_795_300_000_000_000


@given(st.text(st.characters(), max_size=200))
def test_safe_text_has_nothing_left_that_a_terminal_acts_on(text: str) -> None:
    said = safe_text(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in said)
    assert "\u202e" not in said
    said.encode()


def test_safe_text_spells_out_what_it_takes_away() -> None:
    assert safe_text("a\x1b[2Jb\x00\u202ec\n") == r"a\e[2Jb\0" + r"\u202ec\n"
    assert safe_text("\ud800\x9b") == r"\ud800\x9b"
    assert safe_text("a\tb") == "a    b"


def test_safe_text_leaves_other_scripts_alone_but_flattens_towers() -> None:
    assert safe_text("Größe 夜間 ✓") == "Größe 夜間 ✓"
    assert len(safe_text("a" + "\u0301" * 50)) == 4


def test_signs_stand_for_what_a_terminal_acts_on_one_each() -> None:
    assert as_signs("a\x1b[2J\x9b\u202eb") == "a\ufffd[2J\ufffd\ufffdb"


@given(st.text(st.characters(), max_size=100))
def test_json_made_safe_says_the_same(text: str) -> None:
    said = as_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(said) == text
    assert not any(unicodedata.category(char) == "Cc" or char == "\u202e" for char in said)


def test_safe_lines_breaks_where_a_terminal_would() -> None:
    assert safe_lines("a\r\nb\nc\rd\u2028e") == ["a", "b", "c", "d", "e"]
    assert safe_lines("") == [""]


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (250_000, "250ms"),
        (41 * SECOND, "41s"),
        (2 * MINUTE + 11 * SECOND, "2m11s"),
        (12 * MINUTE, "12m"),
        (3 * HOUR + 8 * MINUTE, "3h08"),
        (2 * DAY + 4 * HOUR, "2d04h"),
        (6 * WEEK, "6w"),
        (3 * 365 * DAY, "3y"),
    ],
)
def test_a_span_is_said_in_two_units_at_most(duration: int, said: str) -> None:
    assert when.span(duration) == said


@given(st.integers(0, 200 * 365 * DAY))
def test_durations_fit_their_columns(duration: int) -> None:
    assert len(when.span(duration)) <= 6
    assert len(when.coarse(duration)) <= 3
    assert len(when.nearest(duration)) <= 3


def test_ago_and_until_say_on_which_side_of_now_an_instant_is() -> None:
    assert when.ago(NOW - 3 * MINUTE, NOW) == "3m ago"
    assert when.ago(NOW + MINUTE, NOW) == "now"
    assert when.ago(None, NOW) == "never"
    assert when.until(NOW + 12 * MINUTE, NOW) == "in 12m"
    assert when.until(NOW - 4 * MINUTE, NOW) == "late 4m"
    assert when.until(None, NOW) == ""


def test_what_ends_by_itself_is_said_to_the_nearest_and_what_is_due_never_too_late() -> None:
    left = [2 * HOUR - SECOND, 90 * MINUTE - SECOND, 59 * MINUTE + 40 * SECOND, 13 * DAY + 20 * HOUR, SECOND // 2]
    assert [when.ahead(NOW + each, NOW) for each in left] == ["in 2h", "in 1h30", "in 1h", "in 14d", "now"]
    assert when.until(NOW + 2 * HOUR - SECOND, NOW) == "in 1h"


def test_an_absolute_time_names_its_zone() -> None:
    assert when.absolute(0, UTC) == "1970-01-01 00:00:00 UTC"
    assert when.absolute(0, timezone(timedelta(hours=1), "CET")) == "1970-01-01 01:00:00 CET"
    assert when.absolute(None) == "-"
    assert when.day_clock(0, DAY, UTC) == "01 Jan 00:00"
    assert when.day_clock(0, HOUR, UTC) == "00:00:00"


@given(st.floats(0, 50), st.integers(1, 60))
def test_a_bar_is_as_wide_as_asked_and_full_only_when_all_is_used(share: float, width: int) -> None:
    bar = budget.bar(share, width)
    assert len(bar) == width
    assert ("─" in bar) == (share < 1)
    assert budget.bar(share, width, ascii_only=True).isascii()


def test_over_budget_a_tick_shows_where_it_ended() -> None:
    assert budget.bar(1.8, 18) == "━" * 10 + "┃" + "━" * 7
    assert budget.percent(0.999) == "99%"
    assert [budget.budget_role(share) for share in (0.2, 0.8, 1.0)] == ["ok", "late", "fail"]


def test_a_sparkline_shows_the_last_values_and_its_gaps() -> None:
    assert budget.sparkline([9, 0, 5, None, 10], 4) == "▁▄·▇"
    assert budget.sparkline([1], 3) == "  ▁"
    assert budget.sparkline([], 3) == "   "
    assert budget.sparkline([1, 2, None], 3, ascii_only=True).isascii()


def test_every_state_has_a_glyph_of_one_cell_a_word_and_a_plain_twin() -> None:
    tables = (
        glyphs.RUN_STATUS,
        glyphs.DEADLINE_STATUS,
        glyphs.INCIDENT_STATUS,
        glyphs.SEVERITY,
        glyphs.DELIVERY_STATUS,
        glyphs.PROCESS_STATE,
        glyphs.LEVEL,
    )
    for mark in (mark for table in tables for mark in table.values()):
        assert cell_len(mark.glyph) == len(mark.ascii) == 1
        assert mark.ascii.isascii()
        assert mark.word
        assert mark.role in glyphs.ROLES


def test_a_state_of_a_newer_server_is_shown_as_it_is() -> None:
    assert glyphs.run_status("HELD_BACK").text() == "? held back"


@given(st.text(max_size=80), st.integers(1, 30))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    text = safe_text(text)
    parts = wrapped(text, max(width, 2))
    assert all(cell_len(part) <= max(width, 2) for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


@given(st.text(max_size=60), st.integers(1, 40), st.sampled_from(["left", "right"]))
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, align: str) -> None:
    look = Look.of(App())
    drawn = "".join(segment.text for segment in draw(text, width, align, look, NOW))  # type: ignore[arg-type]
    assert cell_len(drawn) == width


def test_what_is_broken_stays_as_far_in_as_it_began() -> None:
    assert wrapped('  "command": "backup.sh"', 14) == ['  "command":', '  "backup.sh"']


def test_a_line_with_less_room_still_tells_of_the_whole_time() -> None:
    assert budget.squeezed([1, 3, None, None, 5, None], 3) == [2, None, 5]
    assert budget.squeezed([1, None], 3) == [1, None]
