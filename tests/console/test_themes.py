import pytest
from textual.color import Color
from textual.theme import Theme

from trackdesk.console.themes import THEMES
from trackdesk.widgets.glyphs import ROLES

FILLS = ("row-cursor", "row-cursor-away", "row-changed", "row-marked")


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_role_is_legible_on_every_ground(theme: Theme) -> None:
    grounds = [theme.background, theme.surface, theme.panel, *(theme.variables[fill] for fill in FILLS)]
    for role in ROLES:
        for ground in grounds:
            ratio = _contrast(theme.variables[f"role-{role}"], str(ground))
            assert ratio >= 4.5, f"{role} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_a_cursor_row_is_told_from_the_others(theme: Theme) -> None:
    for fill in FILLS:
        assert theme.variables[fill] != theme.background


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in Color.parse(color).normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
