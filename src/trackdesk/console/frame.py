"""The frame around every view: header, crumbs, the view, the line for commands and news, footer."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from trackdesk.console import actions
from trackdesk.console.actions import Action
from trackdesk.console.bars import Bar
from trackdesk.console.commands import commands_of, find
from trackdesk.console.feed import Live
from trackdesk.console.lines import CrumbLine, FooterLine, HeaderLine
from trackdesk.console.prompt import PromptLine
from trackdesk.console.sections import Section
from trackdesk.widgets.faces import Failure
from trackdesk.widgets.glyphs import Role
from trackdesk.widgets.table_messages import MarksChanged, RowSelected
from trackdesk.widgets.view import Changed, View, failure_words

if TYPE_CHECKING:
    from trackdesk.console.app import Console

LEAST = (60, 16)
"""Columns and lines the console needs."""

_NOUNS = {
    "incident": "incidents",
    "run": "runs",
    "list": "lists",
    "log": "logs",
    "channel": "channels",
    "department": "departments",
    "key": "keys",
    "process": "processes",
    "delivery": "deliveries",
    "inbox": "the inbox",
    "tabs": "tabs",
    "range": "figures",
    "chart": "charts",
    "grid": "tiles",
    "service": "services",
    "rule": "rules",
    "silence": "silences",
    "maintenance": "maintenance",
}


_CLEANED = "cleanup"
"""What the stream tells when old rows were deleted."""
_NAMED = 3
"""How many kinds of things fit a line that says where a key works."""


def _listed(words: Sequence[str]) -> str:
    if len(words) > _NAMED:
        return f"{', '.join(words[:_NAMED])} and others"
    return " and ".join(words)


class Frame(Screen[None]):
    DEFAULT_CSS = """
    Frame { layout: vertical; background: $background; }
    Frame > .too-small { display: none; width: 100%; height: 100%; content-align: center middle; text-align: center; }
    Frame.-too-small > .too-small { display: block; }
    Frame.-ascii Static { text-overflow: clip; }
    Frame.-too-small > Bar, Frame.-too-small > View, Frame.-too-small > PromptLine { display: none; }
    """
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [
        (0, "-narrow"),
        (80, "-normal"),
        (120, "-wide"),
        (160, "-full"),
    ]

    def __init__(self, section: Section, view: View) -> None:
        super().__init__()
        self.section = section
        self.view = view
        self._seen = 0
        self._prompt = PromptLine(self._command_names, self.console.history)
        self._too_small = Static("", classes="too-small")
        for action in actions.ACTIONS:
            if not action.widget:
                keys = ",".join(action.keys)
                self._bindings.bind(keys, f"do('{action.id}')", action.label, show=False)

    @property
    def console(self) -> "Console":
        return cast("Console", self.app)

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.console.standing, self.console.now)
        yield CrumbLine(self, self.console.sections)
        yield self.view
        yield self._prompt
        yield FooterLine(self)
        yield self._too_small

    def on_mount(self) -> None:
        for section in self.console.sections:
            self._bindings.bind(section.key, f"go('{section.name}')", section.title, show=False)
        self.set_class(self.console.ascii_only, "-ascii")
        self._seen = self.console.epoch
        self.console.frames.add(self)
        self.call_after_refresh(self.view.take_focus)

    # -- keys ------------------------------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` is not possible here and now."""
        if action.frame:
            return None
        if not action.applies(self.view.contexts):
            return f"works on {_listed([_NOUNS.get(context, context) for context in action.when])}"
        if not self.view.can(action.id):
            return "is not for here"
        if not self.view.is_mounted:
            return "is not there yet"
        return self.view.why_not(action.id)

    def offered(self) -> list[Action]:
        """What can be done in this place at all, be it possible just now or not."""
        held = actions.applying(self.view.contexts)
        return [action for action in held if action.frame or action.widget or self.view.can(action.id)]

    def action_do(self, action_id: str) -> None:
        action = actions.BY_ID[action_id]
        reason = self.why_not(action)
        if reason is not None:
            self.say(f"{action.key} {action.label_in(self.view.contexts)}: {reason}", "late")
            return
        outcome = getattr(self, f"do_{action_id}")() if action.frame else self.view.do(action_id)
        if inspect.isawaitable(outcome):
            # What waits for a server must not hold up the next key.
            self.run_worker(outcome, group="do", exit_on_error=False)
        self.redraw_bars()

    def press(self, action_id: str) -> None:
        """Do an action as if its key were pressed."""
        self.action_do(action_id)

    def action_go(self, section: str) -> None:
        self.console.go(section)

    def do_back(self) -> None:
        if self.view.retreat():
            return
        if len(self.console.screen_stack) > 1:
            self.console.pop_screen()
        else:
            self.say("This is the first screen of the section; ctrl+q quits", "dim")

    def do_command(self) -> None:
        self._prompt.open_line()

    def do_help(self) -> None:
        self.console.show_help(self)

    def do_palette(self) -> None:
        self.console.action_command_palette()

    def do_hold(self) -> None:
        self.console.toggle_hold()

    def do_last_place(self) -> None:
        self.console.go_last()

    def do_quit(self) -> None:
        self.console.leave()

    # -- what is shown ---------------------------------------------------------------------------------------------

    def crumbs(self) -> list[str]:
        """The way here: the section, then what was opened in it."""
        frames = [screen for screen in self.console.screen_stack if isinstance(screen, Frame)]
        way = frames[1 : frames.index(self) + 1] if self in frames else []
        return [self.section.title, *(frame.view.heading for frame in way)]

    def say(self, text: str, role: Role = "ok") -> None:
        """One line for six seconds."""
        self._prompt.flash(text, role)

    def changed(self, change: Changed) -> None:
        self._seen = self.console.epoch
        if change.topic == _CLEANED:
            # Rows of any kind are gone, and which is not said.
            change = Changed("*", resync=True)
        if self.view.is_mounted and (change.topic in self.view.topics or change.topic == "*"):
            self.view.changed(change)

    def tell(self, live: Live) -> None:
        """How live the picture is: without a server, what is shown grows old."""
        if live.lost and self.view.is_mounted:
            self.view.lost(Failure("The server does not answer", live.since, live.retry_at))

    def tick(self) -> None:
        # Ticks come before the first line stands and after the last one went, too.
        for header in self.query(HeaderLine):
            header.refresh()
        if self.focused is None and self.view.is_mounted:
            # What was to have the focus did not stand yet, or went away: keys must never fall into the void.
            self.view.take_focus()
        self.view.tick()

    def reappear(self) -> None:
        """It is painted whole, as it is known now, with its next layout; else in pieces first, and whole only later."""
        self.redraw_bars()
        self.refresh()
        self._dirty_widgets.add(self)

    def redraw_bars(self) -> None:
        for bar in self.query(Bar):
            bar.refresh()

    # -- messages --------------------------------------------------------------------------------------------------

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.say(failure_words(event.worker), "fail")
        elif event.state is WorkerState.SUCCESS:
            self.redraw_bars()

    def on_screen_resume(self) -> None:
        if self._seen != self.console.epoch and self.view.is_mounted:
            self.changed(Changed("*", resync=True))
        self.tell(self.console.standing.live)
        self.redraw_bars()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        small = width < LEAST[0] or height < LEAST[1]
        self.set_class(small, "-too-small")
        if small:
            said = f"too small\n\nneeds {LEAST[0]}x{LEAST[1]}, has {width}x{height}"
            self._too_small.update(Text(said))

    def on_bar_pressed(self, message: Bar.Pressed) -> None:
        verb, _, what = message.press.partition(" ")
        if verb == "go":
            self.console.go(what)
        elif verb == "do":
            self.press(what)
        elif verb == "crumb":
            while len(self.console.screen_stack) > int(what) + 1:
                self.console.pop_screen()

    def on_prompt_line_entered(self, message: PromptLine.Entered) -> None:
        self.view.take_focus()
        if not message.line:
            return
        found = find(commands_of(self.console, self), message.line)
        if found is None:
            self.say(f"{message.line}: {self._near(message.line)}", "fail")
            return
        command, words = found
        command.run(words)

    def on_view_say(self, message: View.Say) -> None:
        message.stop()
        self.say(message.text, message.role)

    def on_view_open(self, message: View.Open) -> None:
        message.stop()
        self.console.push_screen(Frame(self.section, message.view))

    def on_view_ask(self, message: View.Ask) -> None:
        message.stop()
        self.press(message.action)

    def on_view_leave(self, message: View.Leave) -> None:
        message.stop()
        if self.console.frame is not self:
            return  # it has been left: what is under it must not be left as well
        if len(self.console.screen_stack) > 1:
            self.console.pop_screen()
        if message.text and (frame := self.console.frame) is not None:
            frame.say(message.text, message.role)

    def on_view_retitled(self, message: View.Retitled) -> None:
        message.stop()
        self.redraw_bars()

    def on_row_selected(self, _message: RowSelected) -> None:
        self.redraw_bars()

    def on_marks_changed(self, _message: MarksChanged) -> None:
        self.redraw_bars()

    def _command_names(self) -> list[str]:
        return [command.name for command in commands_of(self.console, self)]

    def _near(self, line: str) -> str:
        """What to type instead of `line`."""
        begun = [name for name in self._command_names() if name.startswith(line)]
        return f"is it {' or '.join(begun)}?" if begun else "no such command; tab completes, ctrl+p finds"
