from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.clocks import PATIENCE
from tests.console.frames import frame_of, sees, until
from tests.console.triage_desk import desk_over, server_in
from trackdesk.console.memory import FILE_NAME, Memory
from trackdesk.console.run import Workplace, tail, theme_of
from trackdesk.runtime import EmbeddedServer
from trackdesk.screens.desk import Left
from trackdesk.settings import SettingsError, load

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.settings import Settings

LEFT = Left(1_700_000_000_000_000, 5, 1, 0)


def _settings(folder: Path, **flags: str) -> Settings:
    return load({"data_dir": str(folder), "port": "0", **flags}, {})


class Held:
    """A server inside that starts when the test lets it."""

    def __init__(self, settings: Settings) -> None:
        self.server = EmbeddedServer(settings)
        self.let = threading.Event()

    def start(self) -> None:
        pass

    def wait(self, timeout: float = PATIENCE) -> str:
        assert self.let.wait(timeout)
        self.server.start()
        return self.server.wait(timeout)


async def test_the_frame_stands_before_the_server_does_and_what_can_not_be_done_yet_says_so(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    held = Held(settings)
    app = Workplace(None, None, namespace=None, actor="ada@desk", settings=settings, server=held)
    try:
        async with app.run_test(size=(120, 30)) as pilot:
            await sees(app, "the server starts")
            await sees(app, "Needs a person")
            await pilot.press("n")
            await sees(app, "n new: the server is still starting")
            held.let.set()
            await sees(app, "● live")
            await sees(app, "Nothing has reported here yet")
            assert held.server.url.removeprefix("http://") in frame_of(app)
    finally:
        held.let.set()
        assert held.server.stop()


async def test_what_keeps_the_server_from_serving_ends_the_console_with_the_reason(tmp_path: Path) -> None:
    async with server_in(tmp_path):
        settings = _settings(tmp_path)
        held = Held(settings)
        held.let.set()
        app = Workplace(None, None, namespace=None, actor="ada@desk", settings=settings, server=held)
        async with app.run_test(size=(120, 30)):
            await until(lambda: app.error is not None)
        assert "already" in str(app.error) or "serve" in str(app.error)


async def test_without_its_server_the_console_keeps_the_rows_says_since_when_and_comes_back(tmp_path: Path) -> None:
    async with server_in(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        async with desk_over(server, "runs") as desk:
            await desk.other.runs.start("import", {"id": "n1"})
            await desk.sees("import")
            await server.stop()
            await desk.sees("✗ offline since")
            await desk.sees("these rows are old")
            assert "import" in desk.frame
            await desk.press("c")
            await desk.sees("does not answer")
            async with server_in(tmp_path, port=port):
                await until(lambda: "● live" in desk.frame and "these rows are old" not in desk.frame)
                await desk.other.runs.start("later")
                await desk.sees("later")


async def test_a_key_the_server_does_not_know_is_said(tmp_path: Path) -> None:
    async with server_in(tmp_path) as server:
        settings = _settings(tmp_path)
        app = Workplace(server.url, "tdk_wrong", namespace=None, actor="ada@desk", settings=settings)
        async with app.run_test(size=(120, 30)):
            await sees(app, "✗ offline")
            await sees(app, "key")
            assert "tdk_wrong" not in frame_of(app)


async def test_read_only_nothing_is_changed_and_it_says_why(tmp_path: Path) -> None:
    async with server_in(tmp_path, read_only="true") as server, desk_over(server, "runs") as desk:
        await desk.other.runs.start("import", {"id": "n1"})
        await desk.sees("import")
        await desk.press("c")
        await desk.sees("this console is read-only")


async def test_the_header_counts_what_needs_a_person(tmp_path: Path) -> None:
    async with server_in(tmp_path) as server, desk_over(server, "runs") as desk:
        await desk.sees("all is well")
        run = await desk.other.runs.start("import")
        await desk.other.runs.complete(run.uid, {"status": "FAILED"})
        await desk.sees("1 open · inbox 1")


def test_what_is_remembered_is_found_again_place_by_place(tmp_path: Path) -> None:
    Memory(tmp_path).leave("here", LEFT)
    Memory(tmp_path).leave("there", LEFT._replace(at=7))
    assert Memory(tmp_path).left("here") == LEFT
    assert Memory(tmp_path).left("there") == LEFT._replace(at=7)


@pytest.mark.parametrize("content", ["", "[1]", '{"here": 3}', '{"here": {"at": "x"}}', "\x00"])
def test_a_broken_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    assert Memory(tmp_path).left("here") is None
    Memory(tmp_path).leave("here", LEFT)
    assert Memory(tmp_path).left("here") == LEFT


def test_an_unknown_theme_is_refused_by_naming_those_there_are(tmp_path: Path) -> None:
    assert theme_of(_settings(tmp_path, theme="light")) == "trackdesk-light"
    with pytest.raises(SettingsError, match="dark or light or deuteranopia"):
        theme_of(_settings(tmp_path, theme="pink"))


@pytest.mark.parametrize(("ground", "theme"), [("0;15", "trackdesk-light"), ("15;0", "trackdesk-dark")])
def test_the_theme_is_the_terminals_where_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ground: str, theme: str
) -> None:
    monkeypatch.setenv("COLORFGBG", ground)
    assert theme_of(_settings(tmp_path)) == theme


def test_the_end_of_a_long_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "trackdesk.log"
    path.write_text("".join(f"line {number}\n" for number in range(20_000)))
    lines = tail(path).splitlines()
    assert lines[-1] == "line 19999"
    assert lines[0].startswith("line ")


async def test_leaving_is_not_logged_as_a_stall(tmp_path: Path) -> None:
    app = Workplace("http://127.0.0.1:1", "key", namespace=None, actor="ada@desk", settings=_settings(tmp_path))
    async with app.run_test(size=(80, 24)):
        app.leave()
        assert app._lag._stop.is_set()
