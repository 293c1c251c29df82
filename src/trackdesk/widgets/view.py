"""What the console and its screens say to each other. A screen is a `View`; the console puts the frame around it.

A view declares which contexts of keys it has, offers one method an action (`do_take`, `do_filter`, …), says why an
action is not possible now, and is told what changed. It talks to the frame by the messages below.
"""

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from trackdesk.widgets.faces import Failure
from trackdesk.widgets.glyphs import Role, Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.log_view import LogView


@dataclass(frozen=True, slots=True)
class Changed:
    """What 100 ms brought for one topic of the live stream."""

    topic: str
    """`runs`, `incidents`, …; `*` with `resync` is everything."""
    refs: frozenset[str] = field(default_factory=frozenset)
    """Which entities changed: read these again."""
    resync: bool = False
    """Too much changed, or news was missed: read the whole list again."""


_log = logging.getLogger(__name__)


def failure_words(worker: Worker[Any]) -> str:
    """What went wrong in `worker`, on one line; the whole of it goes to the log."""
    _log.error("%s went wrong", worker.description or worker.name or "a worker", exc_info=worker.error)
    return str(worker.error) or type(worker.error).__name__


class View(Vertical):
    DEFAULT_CSS = """
    View { height: 1fr; }
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ()
    """Which keys work here, as the table of actions names them: `("incident", "list")`."""
    TOPICS: ClassVar[frozenset[str]] = frozenset()
    """Topics of the live stream that `changed` is called for."""

    @property
    def contexts(self) -> tuple[str, ...]:
        """`CONTEXTS`, where they are not those of a part of it that changes."""
        return self.CONTEXTS

    @property
    def topics(self) -> frozenset[str]:
        return self.TOPICS

    class Say(Message):
        """Show one line for some seconds: what an action did, or why it did not."""

        def __init__(self, text: str, role: Role = "ok") -> None:
            super().__init__()
            self.text = text
            self.role: Role = role

    class Open(Message):
        """Go to `view`; `esc` comes back here."""

        def __init__(self, view: "View") -> None:
            super().__init__()
            self.view = view

    class Ask(Message):
        """Do `action` as if its key were pressed."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    class Leave(Message):
        """What is shown here is gone: go back, and say so there."""

        def __init__(self, text: str = "", role: Role = "ok") -> None:
            super().__init__()
            self.text = text
            self.role: Role = role

    class Retitled(Message):
        """`heading` or `status` says something else by now."""

    @property
    def heading(self) -> str:
        """The last crumb: which thing this is."""
        return type(self).__name__

    @property
    def status(self) -> Sequence[Toned]:
        """What is said beside the last crumb: how the thing stands."""
        return ()

    @property
    def pending(self) -> str:
        """What would be lost by quitting now, or nothing."""
        return ""

    def why_not(self, action: str) -> str | None:
        """Why `action` is not possible now, in words that end `take: …`; None when it is."""
        del action
        return None

    def do(self, action: str) -> Awaitable[None] | None:
        """Do `action`. Raises `LookupError` when this view has no such thing to do."""
        method = getattr(self, f"do_{action}", None)
        if method is None:
            raise LookupError(action)
        outcome: Awaitable[None] | None = method()
        return outcome

    def can(self, action: str) -> bool:
        return hasattr(self, f"do_{action}")

    def changed(self, change: Changed) -> None:
        """Read again what `change` names. Called on the visible view only; a hidden one gets one `resync` when seen."""

    def lost(self, failure: Failure) -> None:
        """The server is away: what is shown is old. Once it is back, `changed` comes with `resync`."""
        for table in self.query(LiveTable):
            table.show_failure(failure)

    def narrow(self, expression: str) -> None:
        """Show what matches `expression`: what follows a section's name on the command line."""

    def turn_to(self, name: str, expression: str = "") -> None:
        """Show the place inside this one that is called `name`, or this one itself by the name of its section, and of
        that what matches `expression`."""
        del name
        if expression:
            self.narrow(expression)

    def retreat(self) -> bool:
        """What `esc` does before it goes back: leave the filter, then clear the marks. Whether there was anything."""
        return any(table.clear_marks() for table in self.query(LiveTable))

    def tick(self) -> None:
        """A second passed."""
        for table in self.query(LiveTable):
            table.tick()

    def focus_on(self, widget: Widget) -> None:
        """At once: a focus that is only asked for comes later, and may take it from where the next key went."""
        if widget.is_attached:  # who asks may do so before it stands, or when it has gone
            widget.screen.set_focus(widget)

    def take_focus(self) -> None:
        """Focus what the keys are for: the first list, else the first log, else whatever can be."""
        shown = [widget for widget in self.query("*") if widget.focusable and self._in_sight(widget)]
        for kind in (LiveTable, LogView, Widget):
            for widget in shown:
                if isinstance(widget, kind):
                    self.focus_on(widget)
                    return

    def _in_sight(self, widget: Widget) -> bool:
        """Whether it is shown, or will be with the next layout."""
        return all(each.display for each in widget.ancestors_with_self if isinstance(each, Widget))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A load or a deed of this view that went wrong is said, and written to the log with its trace."""
        if event.state is WorkerState.ERROR:
            self.post_message(self.Say(failure_words(event.worker), "fail"))

    # -- what every view with a log can do --------------------------------------------------------------------------

    def do_follow(self) -> None:
        for log in self.query(LogView):
            log.action_follow()

    def do_level(self) -> None:
        for log in self.query(LogView):
            log.action_level()
