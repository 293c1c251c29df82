"""Text from outside inside Markdown, and charts made of characters."""

from __future__ import annotations

import pytest

from trackdesk.domain.markdown import fenced, inline, table
from trackdesk.domain.text_chart import text_chart


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 5.2 %", "plain words, 5.2 %"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("a - b", "a - b"),
        ("2026-01-02", "2026-01-02"),
        ("1. no list", r"1\. no list"),
        ("[x](http://evil) ![y](z)", r"\[x\](http://evil) \!\[y\](z)"),
        ("<script>&amp;", r"\<script\>\&amp;"),
        ("two\nlines | cell", r"two\\nlines \| cell"),
        ("\x1b[2J\u202eevil", r"\\e\[2J\\u202eevil"),
        ("`*_~$", r"\`\*\_\~\$"),
    ],
)
def test_a_line_means_nothing_to_markdown_nor_to_a_terminal(text: str, shown: str) -> None:
    assert inline(text) == shown


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    assert fenced("a\n````\n\x1b[31mb") == ["`````text", "a", "````", "\\e[31mb", "`````"]


def test_a_row_without_a_value_is_left_out() -> None:
    assert table([("A", "x|y"), ("B", None)]) == ["| | |", "|---|---|", r"| A | x\|y |"]


def test_a_chart_shows_values_gaps_threshold_and_marks() -> None:
    lines = text_chart([1, 2, None, 4], threshold=3, marks=[(0.5, "▲")], ends=("02:00", "03:00"), width=8, height=4)
    assert lines == [
        "         4 ┤      ██",
        "         3 ┤╌╌╌╌╌╌██",
        "           ┤  ██  ██",
        "         0 ┤████  ██",
        "           └────────",
        "                ▲",
        "            02:00 03:00",
    ]


def test_marks_of_one_place_stand_below_each_other() -> None:
    marks = [(0.5, "◇"), (0.51, "▲"), (0.9, "△"), (1.2, "x")]
    assert text_chart([1, 2], marks=marks, width=4, height=1)[2:4] == ["              ◇△", "              ▲"]


def test_a_chart_of_nothing_has_no_lines() -> None:
    assert text_chart([None, None]) == []
    assert text_chart([]) == []


def test_a_chart_of_the_largest_numbers_can_be_drawn() -> None:
    assert len(text_chart([1e308, -1e308, 0.0], threshold=1e308)) == 10
