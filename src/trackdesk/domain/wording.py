"""What pydantic finds, in our words: a dotted path, what was given, what is accepted."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from trackdesk.domain.errors import FieldError, shorten
from trackdesk.domain.members import hint
from trackdesk.domain.metric import METRIC_TYPE_PATTERN
from trackdesk.domain.model import LABEL_PATTERN, NAME_PATTERN, TAG_FILTER_PATTERN, TAG_KEY_PATTERN, URL_PATTERN
from trackdesk.domain.topics import STREAM_PATTERN, STREAM_TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MAX_ERRORS = 20
"""Fields that one answer names."""

_UNKNOWN: Final = "unknown member"
_EXPECTED: Final[dict[str, str]] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "an array",
}
_PATTERNS: Final = {
    NAME_PATTERN: "1 to 100 of A-Z a-z 0-9 _ . : -",
    LABEL_PATTERN: "1 to 100 printable characters without '/'",
    TAG_KEY_PATTERN: "1 to 128 of A-Z a-z 0-9 _ . / -",
    TAG_FILTER_PATTERN: "KEY:VALUE, as in env:prod",
    URL_PATTERN: "an address that begins with http:// or https://, without spaces",
    METRIC_TYPE_PATTERN: "1 to 64 of A-Z 0-9 _, a letter first",
    STREAM_PATTERN: f"topics with commas between them, of {', '.join(STREAM_TOPICS)}",
}
_LIMITS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "string_too_long": lambda ctx: f"at most {_many(ctx['max_length'], 'character')}",
    "string_too_short": lambda ctx: f"at least {_many(ctx['min_length'], 'character')}",
    "too_long": lambda ctx: f"at most {_many(ctx['max_length'], 'item')}",
    "too_short": lambda ctx: f"at least {_many(ctx['min_length'], 'item')}",
    "greater_than_equal": lambda ctx: f"at least {ctx['ge']}",
    "greater_than": lambda ctx: f"more than {ctx['gt']}",
    "less_than_equal": lambda ctx: f"at most {ctx['le']}",
    "less_than": lambda ctx: f"less than {ctx['lt']}",
    "enum": lambda ctx: f"one of {_listed(ctx['expected'])}",
    "literal_error": lambda ctx: f"one of {_listed(ctx['expected'])}",
    "string_pattern_mismatch": lambda ctx: _PATTERNS.get(ctx["pattern"], f"what matches {ctx['pattern']}"),
}


def field_errors(
    error: ValidationError,
    raw: bytes = b"",
    other_names: Mapping[str, str] = MappingProxyType({}),
    model: Any = None,
) -> tuple[FieldError, ...]:
    """One entry a field, at most `MAX_ERRORS`; of a body that may be one thing or an array, only what fits `raw`.

    `other_names`: members that are taken in place of others, and of which; both together are refused.
    `model`: what was to be read; with it, unknown members are answered with those that are known.
    """
    found = error.errors(include_url=False)
    if found[0]["type"] == "json_invalid":
        return (FieldError("body", f"expected JSON: {found[0]['ctx']['error']}"),)
    merged: dict[str, str] = {}
    unknown: dict[str, tuple[int | str, ...]] = {}
    for path, each in _of_one_branch(found, raw):
        field = ".".join(_part(part) for part in path) or "body"
        message = merged.setdefault(field, _message(each, other_names))
        if message == _UNKNOWN and model is not None:
            unknown[field] = path
    return tuple(
        FieldError(field, message + (hint(model, unknown[field]) if field in unknown else ""))
        for field, message in list(merged.items())[:MAX_ERRORS]
    )


def _of_one_branch(found: list[ErrorDetails], raw: bytes) -> Iterable[tuple[tuple[int | str, ...], ErrorDetails]]:
    """pydantic puts the name of the branch of a union before the path (`NewLog`, `constrained-list`, …)."""
    if not raw or not all(map(_is_of_branch, found)):
        return [(each["loc"], each) for each in found]
    many = raw.lstrip()[:1] == b"["
    fitting = [each for each in found if ("list" in str(each["loc"][0])) == many]
    return [(each["loc"][1:], each) for each in fitting or found]


def _is_of_branch(error: ErrorDetails) -> bool:
    """Whether its path begins with a branch, and not with a member that somebody has given a capital."""
    loc = error["loc"]
    first = loc[0] if loc else ""
    named = isinstance(first, str) and (first[:1].isupper() or "list[" in first)
    return named and (len(loc) > 1 or error["type"] != "extra_forbidden")


def _part(part: int | str) -> str:
    text = str(part)
    return text if text.isprintable() and len(text) <= 100 else shorten(text)


def _message(error: ErrorDetails, other_names: Mapping[str, str]) -> str:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        meant = other_names.get(str(error["loc"][-1]))
        return _UNKNOWN if meant is None else f"means the same as {meant}, which is given too: give one of them"
    if kind in {"value_error", "assertion_error"}:
        return str(ctx["error"])
    if kind in {"too_long", "too_short"} and isinstance(error["input"], str):
        kind = f"string_{kind}"  # pydantic counts items where a text's length isn't the schema's own
    if kind in _LIMITS:
        return f"expected {_LIMITS[kind](ctx)}, not {_given(kind, error)}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, not {shorten(error['input'])}"
    return error["msg"][:1].lower() + error["msg"][1:]


def _given(kind: str, error: ErrorDetails) -> str:
    if kind.endswith(("_long", "_short")):
        return str(len(error["input"]))
    return shorten(error["input"])


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _listed(expected: str) -> str:
    """`'A', 'B' or 'C'` as pydantic writes it, without the quotes."""
    return expected.replace("'", "")
