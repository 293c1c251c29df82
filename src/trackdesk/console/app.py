"""The console: one section a number key, each with its own way back, one live feed for all of them."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from weakref import WeakSet

from textual.app import App
from textual.filter import LineFilter
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.worker import Worker, WorkerState

from trackdesk.console import themes
from trackdesk.console.feed import Connect, Feed, Live
from trackdesk.console.frame import Frame
from trackdesk.console.help import HelpScreen
from trackdesk.console.lines import Standing
from trackdesk.console.palette import CommandProvider
from trackdesk.console.plain import Plain
from trackdesk.console.sections import Section
from trackdesk.widgets import when
from trackdesk.widgets.dialogs import ConfirmDialog, TextDialog
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.view import Changed, failure_words


class _PlainScrollBar(ScrollBarRender):
    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class Console(App[None]):
    """Shows `sections` over `client`. Everything it knows comes through the client and the stream.

    `connect` opens the live stream; without it the picture stands still. `log_tail` gives the text `:logs` shows.
    """

    TITLE = "trackdesk"
    COMMANDS: ClassVar[Any] = {lambda: CommandProvider}
    CSS = """
    CommandPalette { background: $background 60%; }
    CommandPalette > Vertical { width: 72; max-width: 90%; }
    CommandPalette #--input { border: round $foreground 25%; border-bottom: none; padding: 0 1; }
    CommandPalette CommandList { border: round $foreground 25%; border-top: none; }
    Console.-ascii CommandPalette #--input { border: ascii $foreground 25%; border-bottom: none; }
    Console.-ascii CommandPalette CommandList { border: ascii $foreground 25%; border-top: none; }
    CommandPalette SearchIcon { display: none; }
    """

    def __init__(
        self,
        client: Any,
        sections: Sequence[Section],
        *,
        connect: Connect | None = None,
        namespace: str = "default",
        server: str = "",
        theme: str = themes.DARK,
        ascii_only: bool = False,
        now: Callable[[], int] = when.wall_clock,
        log_tail: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self.client = client
        self.sections = tuple(sections)
        self.ascii_only = ascii_only
        self.set_class(ascii_only, "-ascii")
        self.now = now
        self.standing = Standing(namespace, server, Live("connecting", now()))
        self.history: list[str] = []
        self.epoch = 0
        """Counts deliveries of the feed, so that a view seen again knows whether it missed any."""
        self.animation_level = "none"
        self.frames: WeakSet[Frame] = WeakSet()
        """Every frame there is, those of hidden sections among them."""
        ScrollBar.renderer = _PlainScrollBar if ascii_only else ScrollBarRender
        self._plain: tuple[str, Plain] | None = None
        self._log_tail = log_tail
        self._last_section = ""
        self._whole = False
        self._connect = connect
        self.feed = Feed(self._deliver, self._tell, now=now)
        for ours in themes.THEMES:
            self.register_theme(ours)
        self.theme = theme
        for section in self.sections:
            self.add_mode(section.name, lambda section=section: Frame(section, section.make(client)))  # type: ignore[misc]

    def on_mount(self) -> None:
        self._show_section(self.sections[0].name)
        self.set_interval(1.0, self._tick)
        if self._connect is not None:
            following = self.feed.run(self._connect)
            self.run_worker(following, group="feed", description="the live feed", exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            # A feed that died must not leave a picture that calls itself live.
            self._tell(Live("offline", self.now()))
            if self.frame is not None:
                self.frame.say(f"The live feed broke: {failure_words(event.worker)}", "fail")

    # -- places ----------------------------------------------------------------------------------------------------

    @property
    def frame(self) -> Frame | None:
        """The frame in sight, also when a dialog stands over it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Frame)), None)

    def go(self, name: str) -> None:
        """To a section, to where one left it; once there already, to its first screen, and from that to its first tab.
        Raises `LookupError`."""
        if name not in {section.name for section in self.sections}:
            raise LookupError(f"no section {name!r}; there are {', '.join(section.name for section in self.sections)}")
        if name != self.current_mode:
            self._last_section = self.current_mode
            self._show_section(name)
        elif len(self.screen_stack) > 1:
            self._to_first_screen()
        else:
            self._turn_to(name)

    def visit(self, name: str, expression: str = "") -> None:
        """To the list of a section, or to a place inside one, wherever one left it, and there to what matches
        `expression`. Raises `LookupError`."""
        section = next((each.name for each in self.sections if name in {inner.name for inner in each.inner}), name)
        if section != self.current_mode:
            self.go(section)
        self._to_first_screen()
        self._turn_to(name, expression)

    def _show_section(self, name: str) -> None:
        frames = [frame for frame in self.frames if frame.section.name == name and frame.is_attached]
        self._whole = bool(frames) and all(frame.outer_size == self.size for frame in frames)
        if self._whole:
            for frame in frames:
                frame.reappear()
        self.switch_mode(name)
        self._whole = False
        if not frames:
            self.built()

    def built(self) -> None:
        """A section is seen for the first time: most of what was just made for it lives as long as the console."""

    def delay_update(self, delay: float = 0.05) -> None:
        # Textual paints nothing for so long when a mode comes in sight, lest it is seen half laid out. A section that
        # was laid out for this terminal before is painted whole at once: a key must not wait for it.
        if not self._whole:
            super().delay_update(delay)

    def _to_first_screen(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def _turn_to(self, name: str, expression: str = "") -> None:
        if (frame := self.frame) is not None:
            frame.call_after_refresh(frame.view.turn_to, name, expression)

    def go_last(self) -> None:
        if self._last_section:
            self.go(self._last_section)
        elif self.frame is not None:
            self.frame.say("There is no place before this one yet", "dim")

    # -- the console itself ----------------------------------------------------------------------------------------

    def set_counters(self, counters: Sequence[Toned]) -> None:
        """What needs a person, for the header of every screen."""
        self.standing.counters = tuple(counters)
        self._redraw()

    def show_help(self, frame: Frame) -> None:
        self.push_screen(HelpScreen(frame.view.heading, frame.offered(), self.sections))

    def show_logs(self) -> None:
        text = self._log_tail() if self._log_tail is not None else ""
        self.push_screen(TextDialog("Log of this console", text or "Nothing was logged yet", at_end=True))

    def choose_theme(self, name: str) -> None:
        self.theme = name

    def toggle_hold(self) -> None:
        if self._connect is not None:
            self.feed.pause(not self.feed.paused)
        elif self.frame is not None:
            self.frame.say("P hold: there is no live stream to hold", "late")

    def leave(self) -> None:
        """Quit; with work pending, after a question."""
        pending = [text for frame in self.frames if frame.is_attached and (text := frame.view.pending)]
        if not pending:
            self.exit()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit()

        self.push_screen(ConfirmDialog("Quit trackdesk?", f"Not done yet: {', '.join(pending)}"), answered)

    def get_line_filters(self) -> Sequence[LineFilter]:
        if not self.no_color:
            return super().get_line_filters()
        if self._plain is None or self._plain[0] != self.theme:
            self._plain = (self.theme, Plain(self.current_theme.variables))
        return [self._plain[1]]

    async def action_quit(self) -> None:
        self.leave()

    # -- the feed --------------------------------------------------------------------------------------------------

    def _deliver(self, change: Changed) -> None:
        self.epoch += 1
        if (frame := self.frame) is not None and frame.is_mounted:
            frame.changed(change)

    def _tell(self, live: Live) -> None:
        self.standing.live = live
        if (frame := self.frame) is not None and frame.is_mounted:
            frame.tell(live)
        self._redraw()

    def _tick(self) -> None:
        if (frame := self.frame) is not None and frame.is_mounted:
            frame.tick()

    def _redraw(self) -> None:
        if (frame := self.frame) is not None and frame.is_mounted:
            frame.redraw_bars()
