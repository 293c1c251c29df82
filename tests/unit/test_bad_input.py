"""No body whatever gets anything but a model or a refusal that names a field."""

from __future__ import annotations

import importlib
import itertools
import json
import pkgutil
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import trackdesk.domain
from trackdesk.domain.filters import Filter
from trackdesk.domain.ingest import StartLine
from trackdesk.domain.model import Input

for module in pkgutil.iter_modules(trackdesk.domain.__path__):
    importlib.import_module(f"trackdesk.domain.{module.name}")


def family(base: type[BaseModel]) -> list[type[BaseModel]]:
    found = [base]
    for child in base.__subclasses__():
        found += family(child)
    return found


INPUTS = sorted(family(Input)[1:], key=lambda model: model.__name__)
FILTERS = sorted(family(Filter)[1:], key=lambda model: model.__name__)

NASTY: list[Any] = [
    None, True, 0, -1, 1, 2**53, 2**63, 2**64, 10**400, -(10**400), 0.5, 1e308, -1e308, 5e-324, "", " ", "\x00",
    "a\x00b", "\ud800", "\udfff\ud800", "a/b", "\u202e", "\ufeff", "x" * 300, "x" * 70_000, "30m", "999999d",
    "P", "PT", "-30m",
    "2026-01-02T03:04:05", "2026-01-02T03:04:05Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "NaN", "1e999",
    [], {}, [[]], [{}], [None], {"": None}, {"a": {"b": [1, {"c": None}]}}, {"key": "a", "value": "b"},
    [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}], [{"key": {}, "value": []}], ["opened"], "FAILED", "OPEN",
]  # fmt: skip
LEAVES = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def bodies(draw: st.DrawFn, models: list[type[BaseModel]]) -> tuple[type[BaseModel], dict[str, Any]]:
    """A model, and members for it: mostly its own names, with anything in them."""
    model = draw(st.sampled_from(models))
    names = st.sampled_from(sorted(model.model_fields)) if model.model_fields else st.text(max_size=5)
    return model, draw(st.dictionaries(names | st.text(max_size=5), VALUES, max_size=5))


def check(error: ValidationError) -> None:
    """It can be said: every finding has a place and a sentence."""
    for finding in error.errors(include_url=False, include_context=False):
        assert finding["msg"]
        assert isinstance(finding["loc"], tuple)


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(bodies(INPUTS))
def test_any_json_body_becomes_a_model_or_is_refused(case: tuple[type[BaseModel], dict[str, Any]]) -> None:
    model, body = case
    text = json.dumps(body).encode()  # keeps lone surrogates as escapes, writes NaN and Infinity
    try:
        made = model.model_validate_json(text)
    except ValidationError as error:
        check(error)
    else:
        made.model_dump_json().encode()


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(bodies(INPUTS))
def test_any_python_value_becomes_a_model_or_is_refused(case: tuple[type[BaseModel], dict[str, Any]]) -> None:
    model, body = case
    try:
        model.model_validate(body)
    except ValidationError as error:
        check(error)


TEXTS = st.one_of(st.sampled_from([value for value in NASTY if isinstance(value, str)]), st.text(max_size=20))


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_query_becomes_a_filter_or_is_refused(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(FILTERS))
    names = st.sampled_from(sorted(model.model_fields))
    query = data.draw(st.dictionaries(names, TEXTS | st.lists(TEXTS, max_size=3), max_size=4))
    try:
        model.model_validate(query)
    except ValidationError as error:
        check(error)


@pytest.mark.parametrize("model", INPUTS, ids=lambda model: model.__name__)
def test_each_member_alone_takes_or_refuses_each_nasty_value(model: type[BaseModel]) -> None:
    for name, value in itertools.product(model.model_fields, NASTY):
        try:
            model.model_validate_json(json.dumps({name: value}))
        except ValidationError as error:
            check(error)


@pytest.mark.parametrize("model", INPUTS, ids=lambda model: model.__name__)
def test_no_text_member_takes_nul(model: type[BaseModel]) -> None:
    for name in model.model_fields:
        with pytest.raises(ValidationError) as caught:
            model.model_validate_json(json.dumps({name: "text with \x00 inside"}))
        assert name in {finding["loc"][0] for finding in caught.value.errors() if finding["loc"]}


@pytest.mark.parametrize("model", INPUTS, ids=lambda model: model.__name__)
@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'"x"', b"7", b"{'a': 1}", b'{"a": 1,}', b"\xff\xfe", b'{"\xff": 1}']
)
def test_what_is_no_json_object_is_refused(model: type[BaseModel], text: bytes) -> None:
    with pytest.raises(ValidationError):
        model.model_validate_json(text)


@pytest.mark.parametrize("model", INPUTS, ids=lambda model: model.__name__)
def test_json_without_end_is_refused(model: type[BaseModel]) -> None:
    for name in model.model_fields:
        for text in (f'{{"{name}": ' + "[" * 100_000, f'{{"{name}": ' + '{"a":' * 100_000):
            with pytest.raises(ValidationError):
                model.model_validate_json(text)


def test_of_a_member_that_stands_twice_the_last_one_counts_whoever_reads_it() -> None:
    body = b'{"kind": "run.start", "process": "a", "process": "b"}'
    assert orjson.loads(body)["process"] == StartLine.model_validate_json(body).process == "b"
