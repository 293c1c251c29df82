"""What all screens have in common: loading that never piles up, errors put in words, questions, permissions."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from trackdesk.widgets.background import begin
from trackdesk.widgets.dialogs import ConfirmDialog, TextDialog
from trackdesk.widgets.faces import Failure
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.view import Changed, View
from trackdesk.widgets.when import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from pydantic import BaseModel
    from textual.timer import Timer

    from trackdesk.client import Client
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.dialogs import Dialog

R = TypeVar("R")

RETRY = 5.0
"""Seconds until a load that failed is tried again."""


class Place(View):
    """A view over the client. It answers `load`, which reads all that it shows; `reload` is how it is asked for."""

    NEEDS: ClassVar[Mapping[str, str]] = {}
    """What an action needs: its id → a permission of the API (`report`, `operate`, `admin`, `ingest`)."""

    PAUSE: ClassVar[float] = 0.4
    """Seconds from one load to the next while news keeps coming in."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.failure: Failure | None = None
        """Why what is shown is old."""
        self._loading = False
        self._again = False
        self._retry: Timer | None = None

    @property
    def client(self) -> Client:
        return self.desk.client

    def on_mount(self) -> None:
        self.reload()

    @property
    def status(self) -> Sequence[Toned]:
        if self.failure is None or any(True for _ in self.query(LiveTable)):
            return ()
        return (Toned(f"{self.failure.what}; this is old", "fail"),)

    def why_not(self, action: str) -> str | None:
        permission = self.NEEDS.get(action)
        return None if permission is None else self.desk.refusal(permission)

    def changed(self, change: Changed) -> None:
        del change
        self.reload()

    def do_refresh(self) -> None:
        self.reload(at_once=True)

    # -- loading ---------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read and show everything. May raise what the client raises."""
        raise NotImplementedError

    def reload(self, *, at_once: bool = False) -> None:
        """Load soon: one load at a time, and however much news comes in, at most one each `PAUSE` seconds. `at_once`
        gives up a load under way, for it is about something else by now."""
        if self._loading and not at_once:
            self._again = True
            return
        self._loading, self._again = True, False
        begin(self, self._load, group="load", exclusive=True)

    async def _load(self) -> None:
        try:
            await self.desk.ready()
            while True:
                self._again = False
                began = monotonic()
                await self._load_once()
                if not self._again:
                    return
                await asyncio.sleep(max(self.PAUSE - (monotonic() - began), 0))
        finally:
            self._loading = False

    async def _load_once(self) -> None:
        from trackdesk.client import ServerAway  # noqa: PLC0415 - loaded by now; the first frame must not wait for it
        from trackdesk.domain.errors import NotFound, TrackdeskError  # noqa: PLC0415

        try:
            await self.load()
        except ServerAway as error:
            self.fail(error.detail, retry=True)
        except NotFound as error:
            self.gone(error.detail)
        except TrackdeskError as error:
            self.fail(error.detail)
        else:
            if self.failure is not None:
                self.failure = None
                self.post_message(self.Retitled())

    def fail(self, what: str, *, retry: bool = False) -> None:
        """What was to be shown could not be read; what is shown stays and says that it is old."""
        now = self.desk.now()
        since = self.failure.at if self.failure is not None else now
        self.lost(Failure(what, since, now + int(RETRY * SECOND) if retry else None))
        if retry:
            if self._retry is not None:
                self._retry.stop()
            self._retry = self.set_timer(RETRY, self.reload)

    def lost(self, failure: Failure) -> None:
        self.failure = failure
        super().lost(failure)
        self.post_message(self.Retitled())

    def gone(self, detail: str) -> None:
        """What this place is about is not there any more."""
        self.post_message(self.Leave(detail, "late"))

    # -- doing -----------------------------------------------------------------------------------------------------

    async def attempt(self, deed: Awaitable[R], done: str | Callable[[R], str] = "") -> R | None:
        """Do it and say so. What the server refuses is said; what somebody else changed meanwhile is shown, with the
        offer to read it anew. None when it was not done."""
        from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

        try:
            result = await deed
        except TrackdeskError as error:
            if error.code == "changed":
                await self._clash(error.detail)
            else:
                self.post_message(self.Say(error.detail, "fail"))
            return None
        said = done if isinstance(done, str) else done(result)
        if said:
            self.post_message(self.Say(said))
        return result

    async def _clash(self, detail: str) -> None:
        again = await self.ask(
            ConfirmDialog(
                "Somebody else changed it meanwhile", f"{detail}\n\nRead it again? Nothing of yours was saved."
            )
        )
        if again:
            self.reload(at_once=True)

    async def submit(self, deed: Awaitable[Any]) -> dict[str, str]:
        """Do it for a form: what is wrong, by field; empty when it was done."""
        from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

        try:
            await deed
        except TrackdeskError as error:
            # A form may leave the detail of a member (`tags.env`) to the field as a whole.
            named = {each.field.split(".")[0]: each.message for each in error.errors}
            return named or {"": error.detail}
        return {}

    async def ask(self, dialog: Dialog[R]) -> R | None:
        """What was answered; None when the question was left."""
        return await self.app.push_screen_wait(dialog)

    def copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.post_message(self.Say(f"Copied {what}"))

    async def copy_as(self, things: Sequence[BaseModel], curl: str) -> None:
        """Asks whether as JSON or as the curl that does the same; also shows it, for not all terminals take copies."""
        from trackdesk.widgets.dialogs import ChooseDialog  # noqa: PLC0415

        chosen = await self.ask(
            ChooseDialog("Copy as", [("json", "JSON"), ("curl", "curl that does the same")])
            if curl
            else ChooseDialog("Copy as", [("json", "JSON")])
        )
        if chosen is None:
            return
        text = curl if chosen == "curl" else "\n".join(each.model_dump_json(indent=2) for each in things)
        self.app.copy_to_clipboard(text)
        await self.ask(TextDialog("Copied", text))
