"""The console as a person meets it: first paint, a key's way to the screen under load, one changed row; and a verb.

    python -m bench.console [--rounds 5] [--keys 40] [--rate 200] [--only keys letters]

The console runs on a pseudo-terminal of 140 by 40 and is read as bytes. A key is painted when the heading of the
section that it opens arrives, or the letter in the filter. A verb is timed from before its process exists until it is
gone.
"""

import argparse
import asyncio
import contextlib
import fcntl
import functools
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Any, Self

from bench import harness
from bench.ingest import StartRequest
from bench.load import Numbers, drive
from bench.rules import breach, make_storm_rules

COLUMNS, LINES = 140, 40
SECTIONS = {"2": b"Runs", "4": b"Incidents", "9": b"Inbox", "1": b"Overview"}
"""Keys, and the heading that stands at the left of the second line once the section is open."""
PARTS = ("verb", "first", "keys", "letters", "storm", "row")
WAYS = {"keys": "a whole section", "letters": "a letter"}
_SECOND_LINE = re.compile(rb"\x1b\[2;1H((?:[^\x1b]|\x1b\[[0-9;]*m)*)")
_STYLE = re.compile(rb"\x1b\[[0-9;]*m")


class Terminal:
    """A console on a pseudo-terminal, as the other side sees it."""

    def __init__(self, data: Path) -> None:
        self.started = time.perf_counter()
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            os.environ.update(
                harness.environment(data), TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(COLUMNS),
                LINES=str(LINES), PATH=os.environ["PATH"],
            )  # fmt: skip
            os.execv(harness.TRACKDESK, ["trackdesk"])
        harness.pin(harness.last_core(), self._pid)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._file)

    def press(self, key: str) -> None:
        os.write(self._file, key.encode())

    def read(self, seconds: float) -> bytes:
        """What arrives next, empty when nothing does."""
        if not select.select([self._file], [], [], seconds)[0]:
            return b""
        return os.read(self._file, 65536)

    def drain(self, seconds: float) -> None:
        """Read on for so long."""
        until = time.perf_counter() + seconds
        while (rest := until - time.perf_counter()) > 0:
            self.read(rest)

    def wait_for_text(self, text: bytes, seconds: float = 10.0) -> float:
        """When it stood somewhere on the screen. Raises TimeoutError."""
        seen, until = b"", time.perf_counter() + seconds
        while time.perf_counter() < until:
            seen += self.read(0.05)
            if text in _STYLE.sub(b"", seen):
                return time.perf_counter()
        raise TimeoutError(f"{text.decode()} did not appear within {seconds:g} s")

    def wait_for(self, heading: bytes, seconds: float = 10.0) -> float:
        """When that section stood on the screen (`perf_counter`). Raises TimeoutError."""
        seen, until = b"", time.perf_counter() + seconds
        while time.perf_counter() < until:
            seen += self.read(0.05)
            for line in _SECOND_LINE.findall(seen):
                if _STYLE.sub(b"", line).strip().startswith(heading):
                    return time.perf_counter()
        raise TimeoutError(f"{heading.decode()} did not appear within {seconds:g} s")


def first_paints(data: Path, rounds: int) -> list[float]:
    """From the start of the process to the first screen, ms."""
    took = []
    for _ in range(rounds):
        with Terminal(data) as terminal:
            took.append((terminal.wait_for(b"Overview") - terminal.started) * 1000)
    return took


def keys(data: Path, presses: int) -> list[float]:
    """From a key to the heading of the section it opens, ms."""
    took = []
    with Terminal(data) as terminal:
        terminal.wait_for(b"Overview")
        terminal.drain(3.0)
        for number in range(presses + len(SECTIONS)):
            key, heading = list(SECTIONS.items())[number % len(SECTIONS)]
            before = time.perf_counter()
            terminal.press(key)
            painted = terminal.wait_for(heading)
            if number >= len(SECTIONS):  # the first visit to a section also builds it
                took.append((painted - before) * 1000)
            terminal.drain(0.25)
    return took


def letters(data: Path, presses: int, section: str = "2") -> list[float]:
    """From a letter typed into the filter of a list to its echo, ms; the list is searched anew meanwhile."""
    took = []
    with Terminal(data) as terminal:
        terminal.wait_for(b"Overview")
        terminal.drain(3.0)
        terminal.press(section)
        terminal.wait_for(SECTIONS[section])
        terminal.drain(1.0)
        terminal.press("/")
        terminal.drain(0.5)
        text = ""
        for number in range(presses):
            text += "zyxwvutsrq"[number % 10]
            before = time.perf_counter()
            terminal.press(text[-1])
            took.append((terminal.wait_for_text(text.encode()) - before) * 1000)
            terminal.drain(0.25)
    return took


def verbs(data: Path, rounds: int) -> list[float]:
    """`trackdesk start` as a whole process, ms."""
    environment = {**os.environ, **harness.environment(data)}
    command = [harness.TRACKDESK, "start", "nightly-backup", "--quiet"]
    return harness.measured(
        lambda: subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL), rounds
    )


async def one_row(times: int) -> list[float]:
    """How long the loop stood still while one of 1,000 rows on the screen changed and was painted, ms."""
    from textual.app import App, ComposeResult

    from trackdesk.widgets.columns import Column
    from trackdesk.widgets.faces import Empty
    from trackdesk.widgets.live_table import LiveTable
    from trackdesk.widgets.rows import Row

    def row(number: int, seen: int) -> Row:
        return Row(f"r{number}", {"name": f"job-{number}", "seen": str(seen)})

    columns = [Column("name", "process", 12, flex=1, priority=0), Column("seen", "seen", 6, align="right", priority=0)]

    class TableApp(App[None]):
        table = LiveTable(columns, title="Runs", empty=Empty("No runs", ""))

        def compose(self) -> ComposeResult:
            yield self.table

    app = TableApp()
    stalls = []
    async with app.run_test(size=(COLUMNS, LINES)) as pilot:
        app.table.put_rows([row(number, 0) for number in range(1000)], total=1000)
        await pilot.pause()
        for number in range(times):
            app.table.update_row(row(number % 30, number + 1))
            stalls.append(await _longest_gap(0.1))
    return stalls


async def _longest_gap(seconds: float) -> float:
    """The longest time between two turns of the loop, ms."""
    longest, last = 0.0, time.perf_counter()
    until = last + seconds
    while last < until:
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest * 1000


async def under_a_storm(server: harness.Process, chosen: argparse.Namespace, where: Path) -> None:
    """5,000 incidents open within a minute."""
    storm = argparse.Namespace(services=500, kinds=10, minute=60.0)
    make_storm_rules(server, storm.kinds)
    breaking = asyncio.create_task(breach(server, storm))
    ways = {"a whole section": keys, "a letter in the incidents": functools.partial(letters, section="4")}
    for what, way in ways.items():
        took = await harness.off_loop(functools.partial(way, where, chosen.keys))
        print(
            f"key to paint, {what}, while 5,000 incidents a minute open: p50 {statistics.median(took):.0f}, "
            f"p95 {harness.percentile(took, 0.95):.0f} ms" + (" (the storm was over before)" if breaking.done() else "")
        )
    breaking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await breaking


async def under_load(server: harness.Process, chosen: argparse.Namespace, where: Path) -> None:
    """Runs arrive meanwhile."""
    numbers = Numbers()
    for what, way in {"keys": keys, "letters": letters}.items():
        if what not in chosen.only:
            continue
        loading: Any = drive(
            server.port, StartRequest(), numbers, connections=4, seconds=8 + chosen.keys * 0.5, rate=chosen.rate
        )
        load, took = await asyncio.gather(loading, harness.off_loop(functools.partial(way, where, chosen.keys)))
        print(
            f"key to paint, {WAYS[what]}, with {load.rate:.0f} runs a second: p50 {statistics.median(took):.0f}"
            f", p95 {harness.percentile(took, 0.95):.0f}, worst {max(took):.0f} ms"
        )


async def measure(chosen: argparse.Namespace, where: Path) -> None:
    """What was chosen, printed."""
    with harness.server(where) as server:
        if "verb" in chosen.only:
            took = await harness.off_loop(lambda: verbs(where, chosen.rounds * 3))
            print(f"trackdesk start, whole process: p50 {statistics.median(took):.0f}, worst {max(took):.0f} ms")
        if "first" in chosen.only:
            took = await harness.off_loop(lambda: first_paints(where, chosen.rounds))
            print(f"first paint: p50 {statistics.median(took):.0f}, worst {max(took):.0f} ms")
        await under_load(server, chosen, where)
        if "storm" in chosen.only:
            await under_a_storm(server, chosen, where)
    if "row" in chosen.only:
        stalls = await one_row(20)
        median = statistics.median(stalls)
        print(f"one changed row of 1,000: the loop stands still p50 {median:.1f}, worst {max(stalls):.1f} ms")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(measure(chosen, where))


if __name__ == "__main__":
    main()
