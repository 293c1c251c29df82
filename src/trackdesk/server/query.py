"""Query strings as models: every parameter is known, given once unless it repeats, and refused by name."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from trackdesk.domain.errors import FieldError, Invalid
from trackdesk.domain.wording import field_errors
from trackdesk.server.limits import MAX_PARAMETERS

if TYPE_CHECKING:
    from trackdesk.domain.filters import Filter


def _repeats(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _repeats(typing.get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        return any(_repeats(each) for each in typing.get_args(annotation))
    return origin is list or annotation is list


class QueryReader:
    """Reads the query string of one endpoint; `model` None: it takes no parameters."""

    def __init__(self, model: type[Filter] | None) -> None:
        self._model = model
        self._fields = (
            {} if model is None else {f.alias or n: _repeats(f.annotation) for n, f in model.model_fields.items()}
        )
        needs = model is not None and any(field.is_required() for field in model.model_fields.values())
        self._default = None if model is None or needs else model()
        self._needs = needs

    def read(self, raw: str) -> Any:
        """The model, or None where there is none. Raises Invalid."""
        if not raw and not self._needs:
            return self._default
        values = self._values(_pairs(raw))
        if self._model is None:
            return None
        try:
            return self._model.model_validate(values)
        except ValidationError as error:
            raise Invalid.of(tuple(_named(each, values) for each in field_errors(error))) from None

    def _values(self, pairs: list[tuple[str, str]]) -> dict[str, str | list[str]]:
        values: dict[str, str | list[str]] = {}
        for name, value in pairs:
            repeats = self._fields.get(name)
            if repeats is None:
                known = f"known are {', '.join(self._fields)}" if self._fields else "this call takes none"
                raise Invalid.of((FieldError(name[:100], f"unknown parameter; {known}"),))
            if "\x00" in value:
                raise Invalid(name, "must not contain NUL")
            if repeats:
                typing.cast("list[str]", values.setdefault(name, [])).append(value)
            elif name in values:
                raise Invalid(name, "given twice; this parameter does not repeat")
            else:
                values[name] = value
        return values


def _named(error: FieldError, values: dict[str, str | list[str]]) -> FieldError:
    """A parameter that was given once is called by its name alone, though it may repeat."""
    name, _, place = error.field.partition(".")
    once = place == "0" and len(values.get(name, ())) == 1
    return FieldError(name, error.message) if once else error


def _pairs(raw: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise Invalid("query", "expected UTF-8 behind the % signs") from None
    except ValueError:
        raise Invalid("query", f"expected at most {MAX_PARAMETERS} parameters") from None
