"""Our three themes: the same six roles, each legible on its ground, none told apart by colour alone."""

from textual.theme import Theme

DARK, LIGHT, DEUTERANOPIA = "trackdesk-dark", "trackdesk-light", "trackdesk-deuteranopia"


def _theme(
    name: str, *, dark: bool, grounds: tuple[str, str, str], roles: dict[str, str], fills: dict[str, str]
) -> Theme:
    background, surface, panel = grounds
    return Theme(
        name=name,
        dark=dark,
        primary=roles["run"],
        secondary=roles["run"],
        accent=roles["run"],
        success=roles["ok"],
        warning=roles["late"],
        error=roles["fail"],
        foreground=roles["new"],
        background=background,
        surface=surface,
        panel=panel,
        variables={
            **{f"role-{role}": color for role, color in roles.items()},
            **fills,
            "scrollbar": fills["rule"],
            "scrollbar-hover": roles["dim"],
            "scrollbar-active": roles["dim"],
            "scrollbar-background": background,
            "scrollbar-background-hover": background,
            "scrollbar-background-active": background,
            "scrollbar-corner-color": background,
            "block-cursor-background": fills["row-cursor"],
            "block-cursor-foreground": roles["new"],
            "block-cursor-text-style": "bold",
            "input-selection-background": fills["row-cursor"],
        },
    )


THEMES = (
    _theme(
        DARK,
        dark=True,
        grounds=("#12151a", "#191d24", "#222832"),
        roles={
            "ok": "#7fc98a",
            "run": "#79b0ff",
            "late": "#e8bb6a",
            "fail": "#ff7b82",
            "dim": "#96a0b0",
            "new": "#dce1e8",
        },
        fills={
            "rule": "#343c49",
            "row-cursor": "#22314a",
            "row-cursor-away": "#1f252e",
            "row-changed": "#332e1f",
            "row-marked": "#1c2f3d",
        },
    ),
    _theme(
        LIGHT,
        dark=False,
        grounds=("#fcfbf8", "#f4f2ec", "#e9e6de"),
        roles={
            "ok": "#1b6e33",
            "run": "#0a559f",
            "late": "#855300",
            "fail": "#ae2019",
            "dim": "#5f6672",
            "new": "#1f2329",
        },
        fills={
            "rule": "#d3cfc5",
            "row-cursor": "#d5e5f9",
            "row-cursor-away": "#eeebe4",
            "row-changed": "#fcefc7",
            "row-marked": "#e2eef6",
        },
    ),
    _theme(
        # Blue for well, orange for wrong, yellow between: apart from each other without red and green.
        DEUTERANOPIA,
        dark=True,
        grounds=("#11141a", "#181c24", "#212732"),
        roles={
            "ok": "#56b4e9",
            "run": "#b9c6ff",
            "late": "#f0e442",
            "fail": "#ff9445",
            "dim": "#98a1b0",
            "new": "#e0e4ea",
        },
        fills={
            "rule": "#353d4a",
            "row-cursor": "#243350",
            "row-cursor-away": "#1f252f",
            "row-changed": "#32301d",
            "row-marked": "#1d2c42",
        },
    ),
)
