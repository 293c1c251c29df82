"""The whole console over a whole server: a real socket, a real file, both in the test's own loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from textual.widgets import Input

from tests.clocks import PATIENCE
from tests.console.frames import frame_of, sees, until
from tests.template import new_database
from trackdesk.client import Client
from trackdesk.console.run import Workplace
from trackdesk.runtime import Server
from trackdesk.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from textual.pilot import Pilot

    from trackdesk.domain.incident import Incident

_NAMES = {" ": "space", "-": "minus", "_": "underscore", "+": "plus", ".": "full_stop", ":": "colon", "/": "slash"}
_NAMES |= {"*": "asterisk", "=": "equals_sign", "?": "question_mark"}


class Desk:
    """What a test has in hand: keys to press, a screen to read, and a client beside it, as another person's."""

    def __init__(self, app: Workplace, pilot: Pilot[None], other: Client) -> None:
        self.app = app
        self.pilot = pilot
        self.other = other

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)

    async def type(self, text: str) -> None:
        """Into the line that has the focus, or will have it."""
        await until(lambda: isinstance(self.app.focused, Input))
        await self.press(*(_NAMES.get(char, char) for char in text))

    async def fill(self, *texts: str) -> None:
        """Into the fields of a form, from the first one on; an empty text leaves its field as it is."""
        for at, text in enumerate(texts):
            await self.press(*["tab"] * min(at, 1))
            if text:
                await self.type(text)

    async def delete(self, question: str) -> None:
        """What the cursor is on, answering the question with yes."""
        await self.press("D")
        await self.sees(question)
        await self.press("y")

    async def sees(self, text: str) -> None:
        await sees(self.app, text)

    async def misses(self, text: str) -> None:
        """Wait until `text` stands on the screen no more."""
        await until(lambda: text not in frame_of(self.app))

    @property
    def frame(self) -> str:
        return frame_of(self.app)

    def line(self, text: str) -> str:
        """The line of the screen that holds `text`, or nothing while there is none."""
        return next((line for line in self.frame.splitlines() if text in line), "")

    async def report(self, title: str, **members: Any) -> Incident:
        return await self.other.incidents.report({"title": title, **members})

    async def becomes(self, incident: Incident, **members: Any) -> Incident:
        """Wait until the incident is as said, as the server tells it."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            now = await self.other.incidents.get(incident.id)
            if all(getattr(now, name) == value for name, value in members.items()):
                return now
            assert asyncio.get_running_loop().time() < end, f"{now!r} never became {members}\n{self.frame}"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def server_in(folder: Path, **flags: str) -> AsyncIterator[Server]:
    given = {"data_dir": str(folder), "port": "0", **flags}
    settings = load(given, {})
    new_database(settings.database)
    async with Server(settings) as server:
        yield server


@asynccontextmanager
async def desk_over(
    server: Server, section: str, *, size: tuple[int, int] = (120, 36), role: str = "", ada: str = "ada@desk"
) -> AsyncIterator[Desk]:
    """The console at a section. With `role`, over a key of that role instead of the owner's."""
    owner_key = server.settings.owner_key_file.read_text().strip()
    async with Client(server.url, owner_key, actor="kim@home") as other:
        key = (await other.keys.add({"name": f"a {role}", "role": role})).key if role else owner_key
        app = Workplace(server.url, key, namespace=None, actor=ada, settings=server.settings)
        # Begun where the test wants to be: each screen on the way there costs a quarter of a second.
        app.sections = tuple(sorted(app.sections, key=lambda each: each.name != section))
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.desk.whoami is not None)
            desk = Desk(app, pilot, other)
            await desk.sees("● live")
            yield desk
