"""What files say is to be set up: read, merged and checked, each mistake with its file, line and column."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from trackdesk.cli.yaml_lines import Place, Problem, ProblemsError, Where, read
from trackdesk.domain.configuration import Configuration
from trackdesk.domain.errors import shorten
from trackdesk.domain.wording import field_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trackdesk.domain.errors import FieldError

MAX_BYTES = 8 * 1024 * 1024
_SUFFIXES = {".yaml", ".yml"}


class Source(NamedTuple):
    """`value` is a valid `Configuration` as JSON values; `where` by dotted path."""

    value: dict[str, Any]
    where: dict[str, Where]
    files: int

    def problems(self, errors: Iterable[FieldError]) -> list[Problem]:
        """What the server found, at the places that it is about."""
        return [_problem(self.where, each.field, each.message) for each in errors]


def load(names: Sequence[str], environ: Mapping[str, str]) -> Source:
    """Files, directories (their *.yaml and *.yml) and `-` for stdin. Raises ProblemsError and OSError."""
    texts = list(_texts(names))
    merged = _Merged()
    problems: list[Problem] = []
    for file, text in texts:
        try:
            documents, found = read(text, file, environ)
        except ProblemsError as error:
            problems += error.problems
            continue
        problems += found
        for document in documents:
            merged.add(document.value, document.where)
    known = {problem.place for problem in problems}
    more = merged.problems or _check(merged.value, merged.where)
    problems += [problem for problem in more if problem.place not in known]  # what follows from it says nothing new
    if problems:
        raise ProblemsError(sorted(problems))
    return Source(merged.value, merged.where, len(texts))


def _texts(names: Sequence[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        if name == "-":
            yield "stdin", _decoded("stdin", sys.stdin.buffer.read(MAX_BYTES + 1))
            continue
        path = Path(name).expanduser()
        files = [path]
        if path.is_dir():
            files = sorted(
                each for each in path.iterdir() if each.suffix in _SUFFIXES and not each.name.startswith(".")
            )
            if not files:
                raise ProblemsError([Problem(Place(name, 1, 1), "expected a *.yaml in this directory")])
        for file in files:
            with file.open("rb") as opened:
                yield str(file), _decoded(str(file), opened.read(MAX_BYTES + 1))


def _decoded(name: str, raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise ProblemsError([Problem(Place(name, 1, 1), f"expected at most {MAX_BYTES:,} bytes")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProblemsError([Problem(Place(name, line, 1), "expected UTF-8")]) from None


class _Merged:
    """Several documents as one; an entity stands in one of them only."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self.where: dict[str, Where] = {}
        self.problems: list[Problem] = []

    def add(self, value: Any, where: dict[str, Where]) -> None:
        if value is None:
            return
        if not isinstance(value, dict):
            self.problems.append(Problem(where[""].value, f"expected {_sections()}, not {shorten(value)}"))
            return
        for section, entities in value.items():
            known = self.value.get(section)
            if section not in Configuration.model_fields or not isinstance(entities or {}, dict):
                self.value[section] = entities  # to be refused with the others
                continue
            entities = {name: {} if each is None else each for name, each in (entities or {}).items()}  # noqa: PLW2901
            for name in entities.keys() & (known or {}).keys():
                place, first = (which[f"{section}.{name}"].name for which in (where, self.where))
                at = f"{first.file}:{first.line}"
                self.problems.append(Problem(place, f"{section}.{name}: stands twice, first in {at}"))
            self.value[section] = {**(known or {}), **entities}
        self.where = {**where, **self.where}


def _sections() -> str:
    *most, last = Configuration.model_fields
    return f"{', '.join(most)} or {last}"


def _check(value: dict[str, Any], where: dict[str, Where]) -> list[Problem]:
    try:
        Configuration.model_validate_json(json.dumps(value))
    except ValidationError as error:
        found = field_errors(error, model=Configuration)
        return [_problem(where, each.field, each.message) for each in found]
    return []


def _problem(where: dict[str, Where], path: str, message: str) -> Problem:
    """At the place of the path, or of the nearest one above it that stands in a file."""
    name_itself, shown = path.endswith(".[key]"), path.removesuffix(".[key]")
    known = shown
    while known not in where and known:
        known = known.rpartition(".")[0]
    found = where.get(known) or next(iter(where.values()))
    if found.variables and known == shown:
        message = message.partition(", not ")[0] + f" (its value is that of {', '.join(found.variables)})"
    at_name = name_itself or known != shown or message.startswith("unknown member")
    return Problem(found.name if at_name else found.value, f"{shown}: {message}")
