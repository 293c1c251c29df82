"""`NO_COLOR`: what colours said is said by weight, underline and reversed ground; no colour is sent at all."""

from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_GROUNDS: dict[str, Style] = {
    "row-cursor": Style(reverse=True, bold=True),
    "row-marked": Style(reverse=True),
    "row-cursor-away": Style(underline=True),
    "row-changed": Style(bold=True),
}
_INKS: dict[str, Style] = {"role-fail": Style(bold=True), "role-dim": Style(dim=True), "rule": Style(dim=True)}


class Plain(LineFilter):
    """Textual's own filter leaves greys, which are colours too."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """`variables` are those of the running theme, by which a colour's meaning is known."""
        super().__init__()
        self._grounds = _by_color(variables, _GROUNDS)
        self._inks = _by_color(variables, _INKS)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [Segment(text, None if style is None else self._plain(style), None) for text, style, _ in segments]

    def _plain(self, style: Style) -> Style:
        ground = self._grounds.get(_hex(style, ground=True))
        # On a reversed ground faint words are hard to read.
        said = ground if ground is not None and ground.reverse else self._inks.get(_hex(style, ground=False))
        plain = style.without_color
        for more in (said, ground):
            if more is not None:
                plain += more
        return plain


def _by_color(variables: Mapping[str, str], styles: Mapping[str, Style]) -> dict[str, Style]:
    return {Color.parse(variables[name]).hex6.lower(): style for name, style in styles.items() if name in variables}


def _hex(style: Style, *, ground: bool) -> str:
    color = style.bgcolor if ground else style.color
    return "" if color is None or color.triplet is None else color.triplet.hex.lower()
