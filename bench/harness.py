"""What the benchmarks share: real processes on cores of their own, rounds in turn, ratios of medians, the disk beside.

The process that measures runs on the last core, what it measures on the first, so that neither takes the other's time.
"""

import asyncio
import contextlib
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Self

SERVER_CORE = 0
TRACKDESK = str(Path(sys.executable).with_name("trackdesk"))
OWNER_KEY = "bench-owner-key-0123456789"
HEADERS = {"X-API-Key": OWNER_KEY, "Content-Type": "application/json"}

_SLOW_DISK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static int slowly(const char *name, int fd) {
    struct timespec pause = {0, %d};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    nanosleep(&pause, 0);
    return real(fd);
}
int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
"""


def last_core() -> int:
    """Where the measuring process runs."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def pin(core: int, pid: int = 0) -> None:
    """Keep a process (0: this one) on one core, where the platform can."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, {core})


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """On uvloop, on the measuring core."""
    import uvloop

    pin(last_core())
    return uvloop.run(main)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A directory for one benchmark; `TRACKDESK_BENCH_DIR` puts it on another disk."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TRACKDESK_BENCH_DIR")) as name:
        yield Path(name)


def fdatasync_ms(where: Path) -> float:
    """Median of 50 appends of one page, ms."""
    times = []
    with (where / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - before)
    return statistics.median(times) * 1000


def slow_disk(where: Path, milliseconds: float) -> dict[str, str] | None:
    """Environment in which every fsync takes that much longer; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    source, library = where / "slow.c", where / "slow.so"
    source.write_text(_SLOW_DISK % int(milliseconds * 1_000_000))
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


class Process:
    """A server in a process of its own on the first core, until the `with` ends."""

    def __init__(self, *command: str, port: int, environment: dict[str, str] | None = None) -> None:
        self.port = port
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        pin(SERVER_CORE, self.pid)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{' '.join(self._command)} does not serve; run it by hand to see why")
            time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Of the server."""
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        """What it has used so far, in user and system mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_megabytes(self) -> float:
        """Memory it holds, without pages of files."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """One request on a connection of its own: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, HEADERS)
            response = connection.getresponse()
            return response.status, response.read()


def environment(data: Path) -> dict[str, str]:
    """What makes trackdesk use the database in `data`."""
    return {"TRACKDESK_DATA_DIR": str(data), "TRACKDESK_OWNER_KEY": OWNER_KEY}


def server(data: Path, more: dict[str, str] | None = None) -> Process:
    """`trackdesk serve` over the database in `data`."""
    port = free_port()
    ours = {**environment(data), **(more or {})}
    return Process(TRACKDESK, "serve", "--port", str(port), "--quiet", port=port, environment=ours)


def bare() -> Process:
    """The yardstick of `bench.bare`."""
    port = free_port()
    return Process(sys.executable, "-m", "bench.bare", str(port), port=port)


def measured(action: Callable[[], object], times: int) -> list[float]:
    """How long each of `times` calls took, ms, in order of time."""
    took = []
    for _ in range(times):
        before = time.perf_counter()
        action()
        took.append((time.perf_counter() - before) * 1000)
    return took


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def off_loop(action: Callable[[], Any]) -> Any:
    """A blocking call beside the load."""
    return await asyncio.get_running_loop().run_in_executor(None, action)
