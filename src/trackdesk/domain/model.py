"""What all models share, and the kinds of text they are made of."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, ClassVar, Self

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from trackdesk.domain.errors import Invalid, shorten

CONTEXT_BYTES = 65_536
MAX_TAGS = 20
MAX_DEPTH = 32
LOG_CHARACTERS = 16_384
SHORT_CHARACTERS = 255
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""

NAME_PATTERN = r"^[A-Za-z0-9_.:-]{1,100}$"
LABEL_PATTERN = r"^[^/\x00-\x1f\x7f]{1,100}$"
TAG_KEY_PATTERN = r"^[A-Za-z0-9_./-]{1,128}$"
TAG_FILTER_PATTERN = r"^[A-Za-z0-9_./-]{1,128}:(?s:.)+$"
URL_PATTERN = r"^https?://[^\s]+$"
_new = object.__new__
_set = object.__setattr__
_TAG_KEY = re.compile(r"[A-Za-z0-9_./-]{1,128}", re.ASCII)


class Input(BaseModel):
    """A request body: unknown members and lax types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Value(BaseModel):
    """A thing as it is stored and answered. The server builds it without validation, the client reads it leniently."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    every_field: ClassVar[set[str]] = set()
    """Their names. One set for all that are trusted: models are frozen, and copies take a copy of it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.every_field = set(cls.model_fields)

    @classmethod
    def trusted(cls, **values: Any) -> Self:
        """What `model_construct` makes, at a quarter of its price: `values` are all the fields, in the order of the
        model, and are not checked."""
        made = _new(cls)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", cls.every_field)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    def to_json(self) -> bytes:
        """As it is answered."""
        return self.__pydantic_serializer__.to_json(self)


def clean(text: str) -> str:
    """Text that a terminal, a file and a database can hold. Raises ValueError."""
    if "\x00" in text:
        raise ValueError("must not contain NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain lone surrogates") from None
    return text


def check_label(text: str) -> str:
    """Beyond its pattern. Raises ValueError."""
    if not text.isprintable() or "/" in text or text != text.strip():
        raise ValueError("expected 1 to 100 printable characters without '/' and without spaces at the ends")
    return text


def _check_plain(value: dict[str, Any]) -> None:
    """Raises ValueError for objects and lists nested too deep, NUL in a text or name, and numbers that JSON lacks."""
    level: list[dict[str, Any] | list[Any]] = [value]
    for _ in range(MAX_DEPTH):
        below: list[dict[str, Any] | list[Any]] = []
        for parent in level:
            for child in (*parent, *parent.values()) if isinstance(parent, dict) else parent:
                if isinstance(child, dict | list):
                    below.append(child)
                elif isinstance(child, str) and "\x00" in child:
                    raise ValueError("must not contain NUL")
                elif isinstance(child, float) and not math.isfinite(child):
                    raise ValueError(f"expected plain JSON, not {child}")
        level = below
        if not level:
            return
    raise ValueError(f"expected at most {MAX_DEPTH} levels of nesting")


def _small_json(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        return value
    _check_plain(value)
    try:
        encoded = orjson.dumps(value)
    except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise ValueError(f"expected plain JSON with integers of at most 64 bits ({error})") from None
    if len(encoded) > CONTEXT_BYTES:
        raise ValueError(f"expected at most {CONTEXT_BYTES} bytes of JSON, not {len(encoded)}")
    return value


def merge_context(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Top-level members of `change` replace those of `before`; null removes one. Raises Invalid when too large."""
    merged = {key: value for key, value in {**before, **change}.items() if value is not None}
    try:
        return _small_json(merged)
    except ValueError as error:
        raise Invalid("context", str(error)) from None


def _tag_pairs(value: object) -> object:
    """ToTrackIt's list of `{key, value}` becomes an object."""
    if not isinstance(value, list):
        return value
    pairs: dict[str, object] = {}
    for index, item in enumerate(value):
        if not isinstance(item, dict) or set(item) != {"key", "value"} or not isinstance(item["key"], str):
            raise ValueError(f"item {index}: expected {{key, value}}, not {shorten(item)}")
        if item["key"] in pairs:
            raise ValueError(f"item {index}: the key {shorten(item['key'])} stands twice")
        pairs[item["key"]] = item["value"]
    return pairs


def check_tags(tags: dict[str, str]) -> dict[str, str]:
    """Raises ValueError."""
    if len(tags) > MAX_TAGS:
        raise ValueError(f"expected at most {MAX_TAGS} tags, not {len(tags)}")
    for key, value in tags.items():
        if not _TAG_KEY.fullmatch(key):
            raise ValueError(f"expected keys of 1 to 128 of A-Z a-z 0-9 _ . / -, not {shorten(key)}")
        if not 1 <= len(value) <= 256:
            raise ValueError(f"{key}: expected a value of 1 to 256 characters, not {len(value)}")
        clean(value)
    return tags


ProcessName = Annotated[str, Field(pattern=NAME_PATTERN)]
RunId = Annotated[str, Field(pattern=NAME_PATTERN)]
Label = Annotated[str, Field(pattern=LABEL_PATTERN), AfterValidator(clean), AfterValidator(check_label)]
"""A service, department, owner or rule id."""
Title = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(clean)]
ShortText = Annotated[str, Field(max_length=SHORT_CHARACTERS), AfterValidator(clean)]
Text = Annotated[str, Field(max_length=10_000), AfterValidator(clean)]
LogText = Annotated[str, Field(min_length=1, max_length=LOG_CHARACTERS), AfterValidator(clean)]
LongText = Annotated[str, Field(max_length=65_536), AfterValidator(clean)]
Json = Annotated[dict[str, Any], AfterValidator(_small_json)]
"""Free JSON of at most 64 KiB."""
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Tags = Annotated[
    dict[str, str],
    AfterValidator(check_tags),
    BeforeValidator(_tag_pairs),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "object",
                    "maxProperties": MAX_TAGS,
                    "propertyNames": {"pattern": TAG_KEY_PATTERN},
                    "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 256},
                },
                {
                    "type": "array",
                    "maxItems": MAX_TAGS,
                    "items": {
                        "type": "object",
                        "properties": {"key": {"type": "string"}, "value": {"type": "string"}},
                        "required": ["key", "value"],
                        "additionalProperties": False,
                    },
                },
            ]
        },
        mode="validation",
    ),
]
