"""A line to type in that may be given any text to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input

from trackdesk.domain.safe import as_signs

if TYPE_CHECKING:
    from collections.abc import Iterable


class SafeInput(Input):
    """Shows a sign in place of each character that a terminal would obey, which a plain `Input` would send there; its
    value has them as they are."""

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if all(segment.text.isprintable() for segment in strip):
            return strip
        return Strip(_harmless(strip)).crop(0, strip.cell_length)


def _harmless(segments: Iterable[Segment]) -> Iterable[Segment]:
    for segment in segments:
        yield Segment(as_signs(segment.text), segment.style)
