"""The kinds of text and JSON that models are made of."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from trackdesk.domain.analytics import TagKey
from trackdesk.domain.errors import FieldError, Invalid, shorten
from trackdesk.domain.filters import TagFilter
from trackdesk.domain.incident import NewComment
from trackdesk.domain.model import CONTEXT_BYTES, Json, Label, ProcessName, Title, merge_context
from trackdesk.domain.process import Url
from trackdesk.domain.wording import field_errors


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def takes(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def test_json_may_nest_32_levels_and_no_more() -> None:
    assert takes(Json, nested(32))
    assert not takes(Json, nested(33))
    assert takes(Json, {"a": [[1]]})


def test_the_innermost_level_may_hold_values() -> None:
    value: Any = 1
    for _ in range(31):
        value = [value]

    assert takes(Json, {"a": value})
    assert not takes(Json, {"a": [value]})


def test_json_may_have_64_kib_and_no_more() -> None:
    frame = len(orjson.dumps({"a": ""}))

    assert takes(Json, {"a": "x" * (CONTEXT_BYTES - frame)})
    assert not takes(Json, {"a": "x" * (CONTEXT_BYTES - frame + 1)})


@pytest.mark.parametrize(
    "value",
    [
        {"a": "x\x00"},
        {"a\x00": 1},
        {"a": [{"b": "\x00"}]},
        {"a": 2**64},
        {"a": -(2**63) - 1},
        {"a": 10**400},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": object()},
        [],
        "text",
        None,
    ],
)
def test_what_is_no_plain_json_object_is_refused(value: object) -> None:
    assert not takes(Json, value)


@pytest.mark.parametrize(
    "value", [{}, {"a": None}, {"a": 2**64 - 1}, {"a": 1e308}, {"a": "\\u0000 in words"}, {"": ""}]
)
def test_plain_json_is_kept_as_it_is(value: dict[str, Any]) -> None:
    assert TypeAdapter(Json).validate_python(value) == value


def test_nan_in_the_text_of_a_body_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Json).validate_json(b'{"a": NaN}')


def test_merging_replaces_members_and_null_removes_them() -> None:
    assert merge_context({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}) == {"b": {"d": 3}}


def test_merging_into_too_much_names_the_field() -> None:
    with pytest.raises(Invalid) as caught:
        merge_context({"a": "x" * 40_000}, {"b": "x" * 40_000})

    assert caught.value.field == "context"


@pytest.mark.parametrize("label", ["ops", "Ops & Data", "größe", "x" * 100, "日本"])
def test_labels_may_be_any_printable_text(label: str) -> None:
    assert takes(Label, label)


@pytest.mark.parametrize(
    "label", ["", " ops", "ops ", "a/b", "a\nb", "a\tb", "x" * 101, "a\x00", "\u200b", "\ud800", "a\u2028b", "\x7f"]
)
def test_labels_that_can_not_be_seen_or_addressed_are_refused(label: str) -> None:
    assert not takes(Label, label)


@pytest.mark.parametrize("name", ["backup", "a.b:c-d_e", "x" * 100])
def test_process_names_keep_to_their_pattern(name: str) -> None:
    assert takes(ProcessName, name)
    assert not takes(ProcessName, name + "/")
    assert not takes(ProcessName, name + "\n")


def test_titles_have_bounds() -> None:
    assert takes(Title, "x" * 255)
    assert not takes(Title, "x" * 256)
    assert not takes(Title, "")


def test_strict_types_are_kept() -> None:
    assert not takes(Title, 9)
    assert not takes(ProcessName, b"backup")


@pytest.mark.parametrize("value", ["x" * 1000, pytest.param(10**5000, id="5001 digits"), [[[]]] * 100])
def test_a_refused_value_is_shown_short(value: object) -> None:
    assert len(shorten(value)) <= 100


def test_a_value_that_nests_without_end_can_be_shown() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    assert shorten(value) == "a list too large to show"
    while value:  # taken apart by hand: freeing it in one go goes as deep
        value = value.pop()


@pytest.mark.parametrize(("value", "shown"), [(None, "null"), (True, "true"), (False, "false"), (1, "1"), ("a", "'a'")])
def test_an_error_spells_a_refused_value_as_json_does(value: object, shown: str) -> None:
    assert shorten(value) == shown


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (TagFilter, "env=prod", "expected KEY:VALUE, as in env:prod, not 'env=prod'"),
        (TagKey, "a b", "expected 1 to 128 of A-Z a-z 0-9 _ . / -, not 'a b'"),
        (Url, "ftp://h", "expected an address that begins with http:// or https://, without spaces, not 'ftp://h'"),
    ],
)
def test_what_a_pattern_takes_is_said_in_words(kind: Any, value: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert [error.message for error in field_errors(caught.value)] == [message]


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "expected at least 1 character, not 0"), ("x" * 10_001, "expected at most 10000 characters, not 10001")],
)
def test_the_length_of_a_text_is_told_in_characters(content: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        NewComment.model_validate_json(orjson.dumps({"content": content}))
    assert field_errors(caught.value) == (FieldError("content", message),)
