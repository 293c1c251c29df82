"""YAML as plain values of which each knows its line. Nothing but text, numbers, true, false and null comes out of it.

It is read event by event, so that depth and size have bounds. As in YAML 1.2 `no`, `12:30` and dates are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from trackdesk.domain.model import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 200_000
"""With every alias counted as often as it is used."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,29})", re.ASCII)
_FRACTION: Final = re.compile(r"[-+]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][-+][0-9]{1,3})?", re.ASCII)
"""Just what the exporter writes without quotes: `1e3` and `1.5e3` are names."""
_VARIABLE: Final = re.compile(r"\$(?:(\$)(?={)|{([^{}]*)})")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Place(NamedTuple):
    """From 1."""

    file: str
    line: int
    column: int


class Problem(NamedTuple):
    place: Place
    message: str


class ProblemsError(Exception):
    """`problems` is not empty."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = problems


@dataclass(slots=True)
class Node:
    """Text, a list of nodes, or pairs of nodes."""

    place: Place
    text: str | None = None
    plain: bool = False
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] | None = None


class Where(NamedTuple):
    """Places of one member; `variables`: the environment variables that its value is made of."""

    name: Place
    value: Place
    variables: tuple[str, ...] = ()


class Document(NamedTuple):
    """`where` by dotted path; the value as a whole is at the empty path."""

    value: Any
    where: dict[str, Where]


def read(text: str, file: str, environ: Mapping[str, str]) -> tuple[list[Document], list[Problem]]:
    """The documents of one file, `${NAME}` replaced from the environment and `$${` by `${`, and what is wrong with
    them. Raises ProblemsError for what can't be read at all."""
    problems: list[Problem] = []
    return [_Converter(environ, problems).document(root) for root in _roots(text, file)], problems


def _roots(text: str, file: str) -> list[Node]:
    try:
        return _Builder(file).build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)
        raise ProblemsError([Problem(place, f"is no YAML: {error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        raise ProblemsError([Problem(Place(file, 1, 1), f"is no YAML: {str(error).splitlines()[0]}")]) from None


class _Builder:
    """Makes nodes of events."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._anchors: dict[str, Node] = {}

    def build(self, events: Iterator[Any]) -> list[Node]:
        """The roots of all documents. Raises ProblemsError."""
        roots: list[Node] = []
        open_: list[tuple[Node, str | None]] = []
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
            elif isinstance(event, yaml.CollectionEndEvent):
                node, anchor = open_.pop()
                if node.pairs is not None:
                    node.pairs = list(zip(node.items[::2], node.items[1::2], strict=True))
                self._name(node, anchor)
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event)
                (open_[-1][0].items if open_ else roots).append(node)
                if isinstance(event, yaml.CollectionStartEvent):
                    if len(open_) >= MAX_DEPTH:
                        raise self._error(event, f"expected at most {MAX_DEPTH} levels")
                    open_.append((node, event.anchor))
                elif isinstance(event, yaml.ScalarEvent):
                    self._name(node, event.anchor)
        return roots

    def _node(self, event: Any) -> Node:
        place = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            known = self._anchors.get(event.anchor)
            if known is None:
                raise self._error(event, f"there is no &{event.anchor} before this *{event.anchor}")
            return Node(place, known.text, known.plain, known.items, known.pairs)
        if event.tag is not None:
            raise self._error(event, f"tags such as {event.tag} are not taken")
        if isinstance(event, yaml.ScalarEvent):
            return Node(place, event.value, event.implicit[0])
        return Node(place, pairs=[] if isinstance(event, yaml.MappingStartEvent) else None)

    def _name(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _error(self, event: Any, message: str) -> ProblemsError:
        return ProblemsError(
            [Problem(Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1), message)]
        )


class _Converter:
    """Makes values of nodes."""

    def __init__(self, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self._environ = environ
        self._problems = problems
        self._where: dict[str, Where] = {}
        self._left = MAX_VALUES

    def document(self, root: Node) -> Document:
        self._where[""] = Where(root.place, root.place)
        return Document(self._value(root, "", root.place), self._where)

    def _value(self, node: Node, path: str, name: Place) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ProblemsError([Problem(node.place, f"expected at most {MAX_VALUES:,} values, aliases counted")])
        self._where[path] = Where(name, node.place)
        if node.pairs is not None:
            return self._object(node, path)
        if node.text is None:
            return [self._value(item, f"{path}.{index}", item.place) for index, item in enumerate(node.items)]
        if node.plain:
            known = _number(node.text)
            if known is not None or node.text in _PLAIN:
                return _PLAIN.get(node.text, known)
        return self._filled(node, path, name)

    def _object(self, node: Node, path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        places: dict[str, Place] = {}
        merged: list[Node] = []
        for key, value in node.pairs or ():
            if key.text is None:
                self._problems.append(Problem(key.place, "expected a name"))
            elif not self._is_sound(key.text, key.place):
                continue
            elif key.text == "<<" and key.plain:
                merged += value.items if value.text is None and value.pairs is None else [value]
            elif key.text in places:
                first = places[key.text].line
                self._problems.append(Problem(key.place, f"{key.text} stands twice, first in line {first}"))
            else:
                places[key.text] = key.place
                values[key.text] = self._value(value, _below(path, key.text), key.place)
        for each in merged:
            if each.pairs is None:
                self._problems.append(Problem(each.place, "expected an object behind <<"))
            for key, value in each.pairs or ():
                if key.text is not None and key.text not in values:
                    values[key.text] = self._value(value, _below(path, key.text), key.place)
        return values

    def _filled(self, node: Node, path: str, name: Place) -> str:
        """The text with its variables filled in."""
        text, used = node.text or "", []

        def fill(match: re.Match[str]) -> str:
            if match[1]:
                return "$"
            variable = match[2]
            if not _VARIABLE_NAME.fullmatch(variable):
                message = (
                    f"expected ${{NAME}} of letters, digits and _, not ${{{variable}}}; write $${{ for a plain ${{"
                )
                self._problems.append(Problem(node.place, message))
            elif variable not in self._environ:
                self._problems.append(Problem(node.place, f"the environment variable {variable} is not set"))
            used.append(variable)
            return self._environ.get(variable, "")

        filled = _VARIABLE.sub(fill, text)
        self._is_sound(filled, node.place)
        if used:
            self._where[path] = Where(name, node.place, tuple(used))
        return filled

    def _is_sound(self, text: str, place: Place) -> bool:
        try:
            clean(text)
        except ValueError as error:
            self._problems.append(Problem(place, str(error)))
            return False
        return True


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _number(text: str) -> int | float | None:
    if _NUMBER.fullmatch(text):
        return int(text)
    number = float(text) if _FRACTION.fullmatch(text) else inf
    return number if isfinite(number) else None
