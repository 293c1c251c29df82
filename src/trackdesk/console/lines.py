"""What the lines of the frame say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.style import Style

from trackdesk.console import actions
from trackdesk.console.bars import Bar, Part, width_of
from trackdesk.console.feed import Live
from trackdesk.console.sections import Section
from trackdesk.widgets import when
from trackdesk.widgets.glyphs import Role, Toned
from trackdesk.widgets.look import Look

if TYPE_CHECKING:
    from trackdesk.console.frame import Frame


_GAPS = (3, 2, 1)
"""Blanks between two sections: the most that there is room for."""
_LAST = 100
"""Added to the rank of a key that can do nothing now: it goes before all that can."""
ARROW = " \u203a "
"""Between two crumbs."""


@dataclass
class Standing:
    """What the header shows; the console keeps one and changes it in place."""

    namespace: str
    server: str
    live: Live
    counters: Sequence[Toned] = field(default_factory=tuple)
    """What needs a person, in words: `3 open`, `2 late`, `inbox 4`; the most important first."""


def live_words(live: Live, now: int, look: Look) -> Toned:
    """How live the picture is: a glyph, a word and since when."""
    role: Role = "late"
    match live.state:
        case "live":
            said, role = f"{look.pick('●', '*')} live", "ok"
        case "paused":
            held = f", {live.held} change{'s' if live.held != 1 else ''} held" if live.held else ""
            said = f"{look.pick('‖', '=')} paused{held}"
        case "stale":
            said = f"! stale since {when.clock(live.since)[:5]}"
        case "starting":
            said, role = f"{look.pick('○', 'o')} the server starts", "dim"
        case "connecting":
            said, role = f"{look.pick('○', 'o')} connecting", "dim"
        case "reconnecting":
            said = f"{look.pick('↻', '~')} reconnecting{_countdown(live, now)}"
        case "offline":
            said, role = (
                f"{look.pick('✗', 'x')} offline since {when.clock(live.since)[:5]}{_countdown(live, now)}",
                "fail",
            )
    return Toned(said, role)


def _countdown(live: Live, now: int) -> str:
    left = 0 if live.retry_at is None else max(live.retry_at - now, 0)
    return f" {left // when.SECOND + 1}s" if left else ""


class HeaderLine(Bar):
    """Where one is connected, how live it is, what needs a person, what time it is."""

    DEFAULT_CSS = """
    HeaderLine { background: $panel; }
    """

    def __init__(self, standing: Standing, now: Callable[[], int]) -> None:
        super().__init__()
        self._standing = standing
        self._now = now

    def left(self, look: Look) -> list[Part]:
        standing = self._standing
        live = live_words(standing.live, self._now(), look)
        dim = look.role("dim")
        return [
            Part(" ", dim),
            Part("trackdesk  ", look.role("new", bold=True), rank=9),
            Part(f"{standing.namespace}  ", look.role("new"), rank=7),
            Part(f"{standing.server} ", dim, rank=8),
            Part(f" {live.text} ", look.role(live.role)),
        ]

    def right(self, look: Look) -> list[Part]:
        dim = look.role("dim")
        parts: list[Part] = []
        # What was counted before the server went away may be otherwise by now.
        counters = () if self._standing.live.lost else self._standing.counters
        for at, counter in enumerate(counters):
            if at:
                parts.append(Part(f" {look.pick('·', '-')} ", dim, rank=1 + at))
            parts.append(Part(counter.text, look.role(counter.role, bold=counter.bold), rank=1 + at))
        local = datetime.fromtimestamp(self._now() / when.SECOND, UTC).astimezone()
        parts.append(Part(f"    {local:%H:%M:%S}", look.role("new"), rank=1))
        parts.append(Part(f" {when.zone_name(local)} ", dim, rank=6))
        return parts


class CrumbLine(Bar):
    """Where one is, and the sections there are. Both can be clicked."""

    def __init__(self, frame: "Frame", sections: Sequence[Section]) -> None:
        super().__init__()
        self._frame = frame
        self._sections = sections

    def left(self, look: Look) -> list[Part]:
        parts = self._way(look)
        alone = len(parts) == 2
        # The first screen of a section: its name stands among all names, where those have room without it.
        return [] if alone and not self._by_name(look, parts) and self._by_name(look, []) else parts

    def right(self, look: Look) -> list[Part]:
        # Some with their names and some without would look cut.
        return self._by_name(look, self.left(look)) or self._listed(look, _GAPS[1], names=False)

    def _way(self, look: Look) -> list[Part]:
        """The crumbs, and how what is open stands."""
        crumbs = self._frame.crumbs()
        parts: list[Part] = [Part(" ", Style.null())]
        arrow = look.pick(ARROW, " > ")
        for depth, crumb in enumerate(crumbs):
            last = depth == len(crumbs) - 1
            style = look.role("new" if last else "dim", bold=last)
            rank = 0 if last else 5 + depth
            parts.append(Part(crumb + ("" if last else arrow), style, rank, f"crumb {depth}"))
        notes = self._frame.view.status
        for note in notes:
            # What went wrong is said before where else one could go.
            rank = 1 if note.role == "fail" else 4
            parts.append(Part(f"   {note.text}", look.role(note.role, bold=note.bold), rank))
        return parts

    def _by_name(self, look: Look, left: list[Part]) -> list[Part] | None:
        """All sections with their names, as far from each other as there is room for beside `left`, or none."""
        room = self.size.width - width_of(left) - self.RIGHT_GAP
        listed = (self._listed(look, gap, names=True) for gap in _GAPS)
        return next((parts for parts in listed if width_of(parts) <= room), None)

    def _listed(self, look: Look, gap: int, *, names: bool) -> list[Part]:
        """The sections; without `names` only the one in sight has its name."""
        parts = []
        for section in self._sections:
            here = section.name == self._frame.section.name
            key, word = look.role("run", bold=here), look.role("new" if here else "dim", bold=here)
            parts.append(Part(f"{' ' * gap}{section.key}", key, rank=2, press=f"go {section.name}"))
            if names or here:
                parts.append(Part(f" {section.title}", word, rank=3, press=f"go {section.name}"))
        return [*parts, Part(" ", Style.null(), rank=1)]


class FooterLine(Bar):
    """What can be done here. Narrow terminals lose keys from the right, never `?`."""

    DEFAULT_CSS = """
    FooterLine { background: $panel; }
    """

    def __init__(self, frame: "Frame") -> None:
        super().__init__()
        self._frame = frame

    def left(self, look: Look) -> list[Part]:
        return self._parts(look, frame=False)

    def right(self, look: Look) -> list[Part]:
        return self._parts(look, frame=True)

    def _parts(self, look: Look, *, frame: bool) -> list[Part]:
        contexts = self._frame.view.contexts
        parts = [Part(" ", Style.null())]
        offered = self._frame.offered()
        refused = {action.id for action in offered if not action.widget and self._frame.why_not(action) is not None}
        for at, action in enumerate(item for item in actions.footer(offered, refused) if item.frame is frame):
            possible = action.id not in refused
            key = actions.shown(action.keys[0], ascii_only=look.ascii_only)
            words = f" {action.label_in(contexts)}  "
            rank = (0 if action.id == "help" else 3) if frame else 4 + at + (0 if possible else _LAST)
            press = "" if action.widget else f"do {action.id}"
            if possible:
                parts.append(Part(words, look.role("new"), rank, press, key))
            else:
                parts.append(Part(key + words, look.role("dim"), rank, press))
        return parts
