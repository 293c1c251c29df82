"""Text from outside inside Markdown: shown as it is, never obeyed, neither by a renderer nor by a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackdesk.domain.safe import safe_lines, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#!$])")
_LEADING = re.compile(r"^(\d+(?=[.)])|(?=[-+=]))")
"""The beginning of a list, a rule or an underline."""
_TICKS = re.compile(r"`+")


def inline(text: str) -> str:
    """One line that means nothing to Markdown."""
    return _LEADING.sub(r"\1\\", _SPECIAL.sub(r"\\\1", " ".join(safe_text(text).split())))


def fenced(text: str) -> list[str]:
    """Lines as they are, in a fence that nothing in them can close."""
    lines = safe_lines(text)
    longest = max((len(found) for line in lines for found in _TICKS.findall(line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return [f"{fence}text", *lines, fence]


def table(rows: Iterable[tuple[str, str | None]]) -> list[str]:
    """Two columns, of which the first is ours; rows without a value are left out."""
    return ["| | |", "|---|---|", *(f"| {name} | {inline(value)} |" for name, value in rows if value is not None)]
