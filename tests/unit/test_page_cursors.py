"""Cursors: what one page hands to the next."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.errors import Invalid
from trackdesk.domain.page import decode_cursor, encode_cursor

POSITION = st.lists(
    st.none() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(st.characters(codec="utf-8")), max_size=4
)


@given(st.text(st.characters(codec="utf-8"), max_size=30), POSITION)
def test_a_position_comes_back_as_it_was(sort: str, position: list[int | str | None]) -> None:
    cursor = encode_cursor(sort, position)

    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert decode_cursor(cursor, sort, len(position)) == position


@given(st.text(max_size=60), st.integers(0, 4))
def test_any_text_is_a_cursor_or_refused_by_name(text: str, length: int) -> None:
    try:
        decode_cursor(text, "-started_at", length)
    except Invalid as error:
        named = error.field
    else:
        named = "cursor"
    assert named == "cursor"


@pytest.mark.parametrize("position", [[True], [1.5], [{}], [[1]], [2**63], [-(2**63)], [2**70]])
def test_a_forged_position_is_refused(position: list[object]) -> None:
    import base64
    import json

    forged = base64.urlsafe_b64encode(json.dumps(["id", *position]).encode()).decode().rstrip("=")
    with pytest.raises(Invalid, match="cursor"):
        decode_cursor(forged, "id", 1)


def test_a_cursor_of_another_order_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="sorted by id; start again for -id"):
        decode_cursor(encode_cursor("id", [7]), "-id", 1)


def test_a_cursor_of_another_length_is_refused() -> None:
    with pytest.raises(Invalid, match="cursor"):
        decode_cursor(encode_cursor("id", [7, 8]), "id", 1)
