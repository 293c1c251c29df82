"""What a test sees of the console: the screen as text, and waiting for it to say something."""

import asyncio
from collections.abc import Callable

from textual.app import App

from tests.clocks import PATIENCE


def frame_of(app: App[object]) -> str:
    """The whole screen as lines of text."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(condition: Callable[[], object], *, seconds: float = PATIENCE, every: float = 0.005) -> None:
    """Wait until `condition` holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the awaited condition never held"
        await asyncio.sleep(every)


async def sees(app: App[object], text: str) -> None:
    """Wait until `text` stands on the screen."""
    try:
        await until(lambda: text in frame_of(app), every=0.02)  # to draw a frame takes some ms
    except AssertionError:
        raise AssertionError(f"{text!r} never appeared in\n{frame_of(app)}") from None
