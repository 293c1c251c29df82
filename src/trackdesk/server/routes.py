"""Which endpoint a path means. A fixed segment comes before a parameter in its place, unless it lacks the method: a run
may be called `pause`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

from trackdesk.domain.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

H = TypeVar("H")


@dataclass(slots=True)
class _Node(Generic[H]):
    """What may stand behind the segments that led here."""

    fixed: dict[str, _Node[H]] = field(default_factory=dict)
    parameter: _Node[H] | None = None
    name: str = ""
    """Of the parameter that led here."""
    methods: dict[str, H] = field(default_factory=dict)


class Routes(Generic[H]):
    """Paths such as `/v1/runs/{uid}` with the handler of each method.

    `fits` says whether a segment can be the value of a parameter, by the parameter's name.
    """

    def __init__(self, fits: Callable[[str, str], bool]) -> None:
        self._fits = fits
        self._root: _Node[H] = _Node()

    def add(self, path: str, methods: dict[str, H]) -> None:
        """Raises ValueError when two parameters in one place have unlike names."""
        node = self._root
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node(name=segment[1:-1])
                node = node.parameter
                if node.name != segment[1:-1]:
                    raise ValueError(f"{path}: {segment} stands where {{{node.name}}} does elsewhere")
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.methods |= methods

    def find(self, method: str, path: str) -> tuple[H | None, dict[str, str], set[str]]:
        """The handler, the parameters of the path as it was sent, and, where there is no handler, the methods that the
        path has. Raises Invalid for what is not UTF-8 behind its % signs."""
        allowed: set[str] = set()
        ways: list[tuple[_Node[H], int, tuple[tuple[str, str], ...]]] = [(self._root, 0, ())]
        segments = path.split("/")[1:]
        while ways:
            node, depth, found = ways.pop()
            if depth == len(segments):
                handler = node.methods.get(method)
                if handler is not None:
                    return handler, {name: _decoded(name, value) for name, value in found}, allowed
                allowed.update(node.methods)
                continue
            segment = segments[depth]
            fixed, parameter = node.fixed.get(segment), node.parameter
            if parameter is not None and segment and (fixed is None or self._fits(parameter.name, segment)):
                ways.append((parameter, depth + 1, (*found, (parameter.name, segment))))
            if fixed is not None:
                ways.append((fixed, depth + 1, found))
        return None, {}, allowed


def _decoded(name: str, value: str) -> str:
    if "%" not in value:
        return value
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Invalid(name, "expected UTF-8 behind the % signs", value) from None
