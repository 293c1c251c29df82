"""Several views in one place, under one line of tabs: each keeps its rows, its filter and its cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trackdesk.widgets.background import begin
from trackdesk.widgets.tab_line import TabLine
from trackdesk.widgets.view import Changed, View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult

    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.faces import Failure
    from trackdesk.widgets.glyphs import Toned


class TabbedViews(View):
    """All that the frame asks is asked of the view in sight. A view is made when its tab is first chosen."""

    DEFAULT_CSS = """
    TabbedViews > .-away { display: none; }
    """

    def __init__(self, desk: Desk, tabs: Sequence[tuple[str, str, Callable[[Desk], View]]]) -> None:
        """`tabs` are (name, title, what makes its view); the first is in sight."""
        super().__init__()
        self.desk = desk
        self._makers = {name: make for name, _, make in tabs}
        first = tabs[0][0]
        self._views: dict[str, View] = {first: self._makers[first](desk)}
        self.current = self._views[first]
        """The view in sight. The one of a tab just chosen takes its place once it stands: before, it can't be asked."""
        self._line = TabLine([(name, title) for name, title, _ in tabs])

    def compose(self) -> ComposeResult:
        yield self._line
        yield self.current

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        if message.line is not self._line:
            return
        message.stop()
        self.turn_to(message.name)

    def turn_to(self, name: str, expression: str = "") -> None:
        self._line.mark(name)
        begin(self, partial(self._show, name, expression), group="tab", exclusive=True)

    async def _show(self, name: str, expression: str) -> None:
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = self._makers[name](self.desk)
            await self.mount(view)
        elif view.is_mounted:
            view.changed(Changed("*", resync=True))
        self.current = view
        for each in self._views.values():
            each.set_class(each is not view, "-away")
        view.take_focus()
        self.call_after_refresh(self._take_focus_if_nobody_has)
        self.post_message(self.Retitled())
        if expression:
            view.narrow(expression)

    def _take_focus_if_nobody_has(self) -> None:
        """A view that was out of sight can only have the focus once it is laid out."""
        if self.is_attached and self.screen.focused is None:
            self.take_focus()

    def do_previous_tab(self) -> None:
        self._line.turn(-1)

    def do_next_tab(self) -> None:
        self._line.turn(1)

    # -- what the frame asks ---------------------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        return (*self.current.contexts, "tabs")

    @property
    def topics(self) -> frozenset[str]:
        return self.current.topics

    @property
    def heading(self) -> str:
        return self._line.title

    @property
    def status(self) -> Sequence[Toned]:
        return self.current.status

    @property
    def pending(self) -> str:
        return ", ".join(said for view in self._views.values() if (said := view.pending))

    def why_not(self, action: str) -> str | None:
        return None if hasattr(self, f"do_{action}") and action.endswith("_tab") else self.current.why_not(action)

    def do(self, action: str) -> Awaitable[None] | None:
        return super().do(action) if action.endswith("_tab") else self.current.do(action)

    def can(self, action: str) -> bool:
        return super().can(action) if action.endswith("_tab") else self.current.can(action)

    def changed(self, change: Changed) -> None:
        self.current.changed(change)

    def lost(self, failure: Failure) -> None:
        for view in self._views.values():
            if view.is_mounted:
                view.lost(failure)

    def narrow(self, expression: str) -> None:
        self.current.narrow(expression)

    def retreat(self) -> bool:
        return self.current.retreat()

    def tick(self) -> None:
        self.current.tick()

    def take_focus(self) -> None:
        self.current.take_focus()
