"""Makes the pictures of the docs from the running program: `python assets/make.py`.

Starts the demo in a directory of its own, opens the console over it without a terminal, presses keys, and keeps what is
on the screen as SVG. Takes a minute.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trackdesk import settings as table
from trackdesk.console.run import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackdesk.settings import Settings

HERE = Path(__file__).parent
SIZE = (120, 40)
FONTS = "'Cascadia Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SETTLED, SHOWN = 8.0, 1.5
"""Seconds of the company at work before the first picture, for something must have happened; and on each screen."""
CELL, BLANK = 12.2, "&#160;"
"""How Textual writes a cell: so wide, and empty as this."""


class Picture(NamedTuple):
    """`keys` lead there from the picture before; `shows` is on the screen once it is there."""

    name: str
    keys: tuple[str, ...]
    shows: str


def typed(text: str) -> tuple[str, ...]:
    """The keys that type `text`."""
    return tuple({" ": "space", ":": "colon", "-": "minus"}.get(letter, letter) for letter in text)


PICTURES = (
    Picture("overview", ("1",), "Overview"),
    Picture("incident", ("enter",), "Who was told"),
    Picture("runs", ("2",), "Runs"),
    Picture("run", ("slash", *typed("nightly-backup status:active"), "enter", "enter"), "What happened"),
    Picture("processes", ("3",), "[Processes]"),
    Picture("process", ("slash", *typed("nightly-backup"), "enter", "enter"), "How long the last runs took"),
    Picture("expectation", ("e",), "would have alerted"),
    Picture("tags", ("escape", "escape", "escape", "right_square_bracket"), "[Tags]"),
    Picture("analytics", ("right_square_bracket",), "[Analytics]"),
    Picture("missing", ("4", "slash", *typed("sitemap"), "enter", "enter"), "never started"),
    Picture("services", ("5",), "[Services]"),
    Picture("service", ("slash", *typed("shop-api"), "enter", "enter"), "REQUESTS_PER_S"),
    Picture("rule-form", ("6", "down", "E"), "would have"),
    Picture(
        "breach", ("escape", "4", "escape", "escape", "slash", *typed("disk"), "enter", "enter"), "DISK_PERCENT of"
    ),
)


@contextmanager
def demo(folder: Path) -> Iterator[Settings]:
    """The settings of a demo at work in `folder`."""
    words = [sys.executable, "-m", "trackdesk.cli.main", "demo", "--headless", "--keep", str(folder), "--seed", "7"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            if "http://" not in first:
                raise SystemExit(f"the demo did not start: {first or 'it said nothing'}")
            yield table.load({"data_dir": str(folder), "theme": "dark"}, {"HOME": str(folder)})
        finally:
            process.terminate()
            process.wait(10)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Raises SystemExit when it does not come true in time."""
    end = asyncio.get_running_loop().time() + 20
    while not condition():
        if asyncio.get_running_loop().time() > end:
            raise SystemExit(f"this never stood on the screen: {what}")
        await asyncio.sleep(0.05)


async def photograph(settings: Settings) -> dict[str, str]:
    """Opens the console; gives every picture as SVG."""
    target = settings.target()
    if target is None:
        raise SystemExit("the demo has gone")
    app = Workplace(target.url, target.api_key, namespace=None, actor="ada", settings=settings)

    def seen(text: str) -> bool:
        return text in "\n".join(strip.text for strip in app.screen._compositor.render_strips())  # noqa: SLF001

    taken: dict[str, str] = {}
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: seen(" live "), "live")
        await asyncio.sleep(SETTLED)
        for picture in PICTURES:
            await pilot.press(*picture.keys)
            await until(lambda picture=picture: seen(picture.shows), picture.shows)  # type: ignore[misc]
            await until(lambda: not seen("loading…"), "what was loading")
            await asyncio.sleep(SHOWN)
            taken[picture.name] = app.export_screenshot(title="trackdesk")
    return taken


def own_fonts(svg: str) -> str:
    """With the reader's own fonts: a picture must not ask another host for one."""
    svg = re.sub(r"@font-face\s*{[^}]*}", "", svg)
    svg = re.sub(r"font-family:\s*(?!arial)[^;]*;", f"font-family: {FONTS};", svg)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def without_blanks(svg: str) -> str:
    """Blanks around words become places: some programs leave out those that a text begins with."""

    def moved(match: re.Match[str]) -> str:
        before, x, between, length, after, text = match.groups()
        words = re.sub(rf"^(?:{BLANK})*", "", text)
        x_moved = float(x) + CELL * ((len(text) - len(words)) // len(BLANK))
        kept = re.sub(rf"(?:{BLANK})*$", "", words)
        length_kept = float(length) - CELL * ((len(text) - len(kept)) // len(BLANK))
        return f'{before}x="{x_moved:.1f}"{between}textLength="{length_kept:.1f}"{after}{kept}</text>' if kept else ""

    return re.sub(r'(<text [^>]*?)x="([\d.]+)"([^>]*?)textLength="([\d.]+)"([^>]*>)([^<]*)</text>', moved, svg)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="trackdesk-pictures-") as folder, demo(Path(folder)) as settings:
        taken = asyncio.run(photograph(settings))
    for name, svg in taken.items():
        (HERE / f"{name}.svg").write_text(without_blanks(own_fonts(svg)), "utf-8")


if __name__ == "__main__":
    main()
