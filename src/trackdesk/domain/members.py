"""Which members there are, for somebody who named one that there isn't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic.fields import FieldInfo

_LONGEST: Final = 100
"""Characters of a name that is compared with others: anybody may send long ones."""


def hint(model: Any, path: Sequence[int | str]) -> str:
    """The member nearest to the one that a path ends with, or all that are known there; empty where any is taken.

    `model`: what the whole is read as: a model, or an annotation with models in it.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only who makes a mistake needs it

    known = _known(model, path[:-1])
    name = str(path[-1])
    near = get_close_matches(name, known, n=1, cutoff=0.6) if len(name) <= _LONGEST else []
    if near:
        return f": did you mean {near[0]}?"
    return f"; known are {', '.join(known)}" if known else ""


def _known(model: Any, path: Sequence[int | str]) -> list[str]:
    """The members that the models at a path have."""
    found = _models(model)
    for part in path:
        found = found if isinstance(part, int) else [below for each in found for below in _below(each, part)]
    return list(dict.fromkeys(field.alias or name for each in found for name, field in _fields(each).items()))


def _below(model: Any, part: str) -> list[Any]:
    """The models and mappings behind one member of a model, or behind any name of a mapping."""
    if not isinstance(model, type):
        return _models(get_args(model)[1])
    member = next((field for name, field in _fields(model).items() if part in {name, field.alias}), None)
    return [] if member is None else _models(member.annotation)


def _fields(model: Any) -> Mapping[str, FieldInfo]:
    """None of a mapping."""
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if getattr(annotation, "__origin__", None) is dict:
        return [annotation]
    return [model for each in get_args(annotation) for model in _models(each)]
