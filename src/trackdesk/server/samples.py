"""Bodies that hold samples: one, an array, or lines. Read in pieces, so that others get their turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from trackdesk.contract.metrics import SAMPLES_SEND
from trackdesk.domain.errors import FieldError, Invalid
from trackdesk.domain.instant import format_instant
from trackdesk.domain.metric import MAX_SAMPLES, OTHER_NAMES, NewSample, draft, read_draft
from trackdesk.domain.wording import field_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.domain.metric import Draft

_TURN: Final = 500
"""Samples after which others get their turn."""


def read_one(raw: bytes, until: int) -> Draft | list[Any]:
    """The sample in a JSON body, or what stands in its array, for `read_many`. Raises Invalid, also for a time after
    `until` (µs)."""
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError:
        given = _by_model(raw)
    if type(given) is list:
        return given
    try:
        one = draft(given) if type(given) is NewSample else read_draft(given)
    except ValidationError as error:
        raise Invalid.of(field_errors(error, b"", OTHER_NAMES, NewSample)) from None
    if one.recorded_at is not None and one.recorded_at > until:
        raise _ahead("recorded_at", one.recorded_at)
    return one


async def read_many(given: Sequence[Any], until: int) -> list[Draft]:
    """The samples of an array. Raises Invalid, naming index and field."""
    return await _read(given, until, str)


async def read_lines(raw: bytes, until: int) -> list[Draft]:
    """The samples of lines, empty ones left out. Raises Invalid, naming line and field."""
    numbers: list[int] = []
    given: list[Any] = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line or line.isspace():
            continue
        try:
            given.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            given.append(_line_by_model(line, number))
        numbers.append(number)
        if not len(given) % _TURN:
            await asyncio.sleep(0)
    return await _read(given, until, lambda index: f"line {numbers[index]}")


async def _read(given: Sequence[Any], until: int, place: Callable[[int], str]) -> list[Draft]:
    if not 1 <= len(given) <= MAX_SAMPLES:
        raise Invalid("body", f"expected 1 to {MAX_SAMPLES} samples, not {len(given)}")
    drafts: list[Draft] = []
    for start in range(0, len(given), _TURN):
        if start:
            await asyncio.sleep(0)
        for members in given[start : start + _TURN]:
            try:  # asking `isinstance` of a model takes as long as reading a sample
                one = draft(members) if type(members) is NewSample else read_draft(members)
            except ValidationError as error:
                raise _placed(place(len(drafts)), error) from None
            at = one.recorded_at
            if at is not None and at > until:
                raise _ahead(f"{place(len(drafts))}.recorded_at", at)
            drafts.append(one)
    return drafts


def _placed(place: str, error: ValidationError) -> Invalid:
    found = field_errors(error, b"", OTHER_NAMES, NewSample)
    return Invalid.of(
        tuple(FieldError(place if each.field == "body" else f"{place}.{each.field}", each.message) for each in found)
    )


def _by_model(raw: bytes) -> Any:
    """What one reader of JSON refuses, another may know better what to say of: NaN, numbers beyond all bounds."""
    try:
        return SAMPLES_SEND.body_adapter().validate_json(raw)
    except ValidationError as error:
        raise Invalid.of(field_errors(error, raw, OTHER_NAMES)) from None


def _line_by_model(line: bytes, number: int) -> NewSample:
    try:
        return NewSample.model_validate_json(line)
    except ValidationError as error:
        raise _placed(f"line {number}", error) from None


def _ahead(field: str, at: int) -> Invalid:
    return Invalid(field, "expected a time that is at most a day ahead", format_instant(at))
