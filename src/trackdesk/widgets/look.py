"""The running theme as the line-drawing widgets need it: one Rich style a role, and whether only ASCII may be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color

from trackdesk.widgets.glyphs import Mark, Role, Toned

# A theme that is not one of ours has no roles: its nearest colours stand in.
_STAND_INS: dict[str, tuple[str, ...]] = {
    "ok": ("role-ok", "success"),
    "run": ("role-run", "accent"),
    "late": ("role-late", "warning"),
    "fail": ("role-fail", "error"),
    "dim": ("role-dim", "foreground-darken-3"),
    "new": ("role-new", "foreground"),
    "cursor": ("row-cursor", "primary-muted"),
    "cursor_away": ("row-cursor-away", "surface-lighten-1", "surface"),
    "changed": ("row-changed", "warning-muted"),
    "marked": ("row-marked", "accent-muted"),
    "rule": ("rule", "surface-lighten-2"),
}


@dataclass(frozen=True, slots=True)
class Look:
    styles: Mapping[str, Style]
    """Foreground styles by role, and `rule`."""
    fills: Mapping[str, Style]
    """Background styles: `cursor`, `cursor_away` (without focus), `changed`, `marked`."""
    ascii_only: bool = False

    @classmethod
    def of(cls, app: App[object]) -> "Look":
        """The look of `app` now. Ask again when the widget is told that styles changed."""
        styles: dict[str, Style] = {}
        fills: dict[str, Style] = {}
        for name, candidates in _STAND_INS.items():
            color = _first_color(app.theme_variables, candidates)
            if name in ("cursor", "cursor_away", "changed", "marked"):
                fills[name] = Style(bgcolor=color)
            else:
                styles[name] = Style(color=color)
        if app.no_color:
            # As grey, red is darker than what matters less: weight says it instead.
            plain = styles["new"]
            styles |= dict.fromkeys(("ok", "run", "late"), plain) | {"fail": plain + Style(bold=True)}
        return cls(styles, fills, bool(getattr(app, "ascii_only", False)))

    def role(self, role: Role, *, bold: bool = False) -> Style:
        style = self.styles[role]
        return style + Style(bold=True) if bold else style

    def text(self, toned: Toned) -> Text:
        return Text(toned.text, self.role(toned.role, bold=toned.bold), no_wrap=True, end="")

    def mark(self, mark: Mark, *, glyph_only: bool = False) -> Text:
        said = (mark.ascii if self.ascii_only else mark.glyph) if glyph_only else mark.text(ascii_only=self.ascii_only)
        return Text(said, self.role(mark.role), no_wrap=True, end="")

    def pick(self, glyph: str, plain: str) -> str:
        """`glyph`, or `plain` where only ASCII may be drawn."""
        return plain if self.ascii_only else glyph


def _first_color(variables: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = variables.get(name)
        if value is not None and not value.startswith(("auto", "ansi")):
            return Color.parse(value).rich_color.name
    return None
