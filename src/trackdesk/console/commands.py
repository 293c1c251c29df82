"""What can be typed after `:` or found in the palette: what is possible here, the sections, the console's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from trackdesk.console import actions, themes
from trackdesk.console.sections import Inner, Section

if TYPE_CHECKING:
    from trackdesk.console.app import Console
    from trackdesk.console.frame import Frame


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    tooltip: str
    run: Callable[[str], None]
    """Given the words typed after the name."""


def commands_of(app: "Console", frame: "Frame") -> list[Command]:
    """The commands of this place, those of the place itself first."""
    local = [_of_action(frame, action) for action in frame.offered() if not action.widget and not action.frame]
    places = [
        _of_place(app, frame, place)
        for section in app.sections
        for place in cast("tuple[Section | Inner, ...]", (section, *section.inner))
    ]
    own = [_of_action(frame, action) for action in actions.ACTIONS if action.frame and action.id != "quit"]
    return local + places + own + _console(app)


def _of_action(frame: "Frame", action: actions.Action) -> Command:
    return Command(action.id.replace("_", "-"), action.tooltip, lambda _words: frame.press(action.id))


def _of_place(app: "Console", frame: "Frame", place: Section | Inner) -> Command:
    def run(words: str) -> None:
        if words and not place.filters:
            frame.say(f"{place.name} has no filter, and takes no words", "late")
        else:
            app.visit(place.name, words)

    filters = "; words after it filter the list" if place.filters else ""
    return Command(place.name, f"Go to {place.title}{filters}.", run)


def _console(app: "Console") -> list[Command]:
    short = {name.removeprefix("trackdesk-"): name for name in (themes.DARK, themes.LIGHT, themes.DEUTERANOPIA)}
    chosen = [
        Command(f"theme {word}", f"Use the {word} theme.", lambda _words, name=name: app.choose_theme(name))  # type: ignore[misc]
        for word, name in short.items()
    ]
    return [
        *chosen,
        Command("logs", "Read the console's own log.", lambda _words: app.show_logs()),
        Command("quit", actions.BY_ID["quit"].tooltip, lambda _words: app.leave()),
        Command("q", actions.BY_ID["quit"].tooltip, lambda _words: app.leave()),
    ]


def find(commands: Sequence[Command], line: str) -> tuple[Command, str] | None:
    """The command `line` names, and what follows it; a beginning that fits only one name is enough."""
    exact = [command for command in commands if line == command.name or line.startswith(f"{command.name} ")]
    if exact:
        longest = max(exact, key=lambda command: len(command.name))
        return longest, line[len(longest.name) :].strip()
    word, _, rest = line.partition(" ")
    begun = [command for command in commands if command.name.startswith(line if " " in line else word)]
    return (begun[0], rest.strip() if " " not in begun[0].name else "") if len(begun) == 1 else None
