"""How much of a budget is used, and how a number went lately, as plain text."""

from collections.abc import Sequence

from trackdesk.widgets.glyphs import Role

# Without the full block: lines that stand below each other must not run together.
_LEVELS = "▁▂▃▄▅▆▇"
_STEPS = "_.-=*#"


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """A bar of `width` cells filled to `share` (1.0 is the whole budget).

    Over budget the bar stays full and a tick shows where the budget ended: at 180 % a little after half.
    """
    full, empty, tick = ("#", ".", "|") if ascii_only else ("━", "─", "┃")
    if width <= 0:
        return ""
    if share <= 1:
        filled = round(max(share, 0) * width)
        # Neither end is rounded to: empty and full are claims of their own.
        filled = min(max(filled, 1 if share > 0 else 0), width - 1 if share < 1 else width)
        return full * filled + empty * (width - filled)
    end = min(round(width / share), width - 1)
    return full * end + tick + full * (width - end - 1)


def percent(share: float) -> str:
    """`88%`; never `100%` before the whole is used. Right-align it to five cells."""
    whole = int(share * 100)
    return f"{whole}%" if whole < 1000 else ">999%"


def budget_role(share: float, warn_at: float = 0.75) -> Role:
    """The colour of a budget: over it, near it, or well within."""
    if share >= 1:
        return "fail"
    return "late" if share >= warn_at else "ok"


def sparkline(values: Sequence[float | None], width: int, *, low: float | None = None, ascii_only: bool = False) -> str:
    """The last `width` values, one cell each, padded at the left. `None` is a gap.

    `low` is the value of an empty cell; without it the least value is.
    """
    shown = values[-width:] if width > 0 else []
    known = [value for value in shown if value is not None]
    steps = _STEPS if ascii_only else _LEVELS
    gap = " " if ascii_only else "·"
    floor = low if low is not None else min(known, default=0.0)
    reach = max(known, default=0.0) - floor
    cells = [gap if value is None else steps[_step(value - floor, reach, len(steps))] for value in shown]
    return "".join(cells).rjust(max(width, 0))


def number(value: float) -> str:
    """A number in at most six cells: `0.42`, `37`, `12.3k`, `4.1M`."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if letter == 'k' else limit):.3g}{letter}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def squeezed(values: Sequence[float | None], width: int) -> list[float | None]:
    """All of `values` in at most `width`: each the mean of those that fall together. `None` is a gap."""
    if len(values) <= width:
        return list(values)
    few = []
    for at in range(width):
        some = values[at * len(values) // width : (at + 1) * len(values) // width]
        known = [value for value in some if value is not None]
        few.append(sum(value / len(known) for value in known) if known else None)
    return few


def _step(above: float, reach: float, steps: int) -> int:
    return 0 if reach <= 0 else min(max(int(above / reach * steps), 0), steps - 1)
