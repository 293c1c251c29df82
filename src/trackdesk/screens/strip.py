"""How the last runs of a process went, one character a run, oldest first: its height is how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich.text import Text

from trackdesk.widgets.budget import sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.widgets.glyphs import Role
    from trackdesk.widgets.look import Look

LENGTH = 20


class Ended(Protocol):
    """One of the last runs."""

    @property
    def status(self) -> str: ...
    @property
    def late(self) -> bool: ...
    @property
    def duration(self) -> float | None: ...


def strip(recent: Sequence[Ended], look: Look, width: int = LENGTH) -> Text:
    """`recent` comes newest first, as the API gives it. Failed runs are crosses, late ones have the late colour, those
    under way a triangle."""
    shown = list(reversed(recent[:width]))
    heights = sparkline(
        [each.duration if each.status == "COMPLETED" else None for each in shown],
        len(shown),
        low=0.0,
        ascii_only=look.ascii_only,
    )
    line = Text(" " * (width - len(shown)), no_wrap=True, end="")
    for each, height in zip(shown, heights, strict=True):
        glyph, role = _drawn(each, height, look)
        line.append(glyph, look.role(role))
    return line


def _drawn(each: Ended, height: str, look: Look) -> tuple[str, Role]:
    match each.status:
        case "ACTIVE":
            return look.pick("▸", ">"), "late" if each.late else "run"
        case "FAILED":
            return look.pick("✗", "x"), "fail"
        case "SKIPPED":
            return look.pick("»", "-"), "dim"
    return height, "late" if each.late else "ok"
