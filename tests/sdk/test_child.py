from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.sdk.tail import MAX_BYTES, Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sdk.receiver import Receiver

LIMIT = 60
FORWARDED = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
CATCH = r"""
import os, signal, sys, time
def caught(number, frame):
    os.write(1, b"caught %d\n" % number)
    sys.exit(7)
signal.signal(int(sys.argv[1]), caught)
os.write(1, b"ready\n")  # the signal may come before a print has ended, and then another can't begin
while True: time.sleep(0.05)
"""


@pytest.fixture
def run(cli: list[str], environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    def start(*words: str, url: str | None = None, **options: Any) -> subprocess.CompletedProcess[bytes]:
        told = ["--url", url] if url else []
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([*cli, *told, *words], check=False, env=environ, timeout=LIMIT, **options)

    return start


Run = "Callable[..., subprocess.CompletedProcess[bytes]]"


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_the_commands(receiver: Receiver, run: Run, code: int) -> None:
    done = run("run", "job", "--deadline", "30m", "--tag", "env=prod", *python(f"exit({code})"), url=receiver.url)
    assert done.returncode == code
    assert receiver.seen[0].body["tags"] == {"env": "prod"}
    assert receiver.seen[0].body["deadline"] == "30m"
    assert "exit(" in receiver.seen[0].body["context"]["command"]
    (end,) = receiver.bodies("/complete")
    assert end["status"] == ("FAILED" if code else "COMPLETED")
    assert end.get("error") == ({"message": f"exit code {code}"} if code else None)


def test_a_command_that_dies_of_a_signal_gives_128_and_its_number(receiver: Receiver, run: Run) -> None:
    done = run("run", "job", *python("import os; os.kill(os.getpid(), 9)"), url=receiver.url)
    assert done.returncode == 137
    assert receiver.bodies("/complete")[0]["error"]["message"] == "ended by SIGKILL (signal 9)"


def test_a_command_that_does_not_exist_gives_127(receiver: Receiver, run: Run) -> None:
    done = run("run", "job", "--", "/no/such/command", url=receiver.url)
    assert done.returncode == 127
    assert b"/no/such/command" in done.stderr
    assert receiver.bodies("/complete")[0]["status"] == "FAILED"


def test_a_command_that_may_not_be_run_gives_126(receiver: Receiver, run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    assert run("run", "job", "--", str(tmp_path / "plain"), url=receiver.url).returncode == 126


def test_bytes_go_through_unchanged_in_both_directions(receiver: Receiver, run: Run) -> None:
    noise = bytes(range(256)) * 4_000
    code = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d); sys.stderr.buffer.write(d[::-1])"
    done = run("run", "job", *python(code), url=receiver.url, input=noise)
    assert (done.returncode, done.stdout, done.stderr) == (0, noise, noise[::-1])


def test_the_outputs_tail_becomes_log_lines_and_the_backtrace(receiver: Receiver, run: Run) -> None:
    code = "import sys\nfor n in range(50): print('out', n, flush=True)\nprint('err', file=sys.stderr)\nexit(3)"
    run("run", "job", "--tail", "3", *python(code), url=receiver.url)
    lines = receiver.lines()
    assert len(lines) == 3
    assert {(line["message"], line["level"]) for line in lines} >= {("out 49", "INFO")}
    assert "out 49" in receiver.bodies("/complete")[0]["error"]["backtrace"]


def test_errors_are_logged_as_warnings(receiver: Receiver, run: Run) -> None:
    run("run", "job", *python("import sys; print('careful', file=sys.stderr)"), url=receiver.url)
    assert [(line["message"], line["level"]) for line in receiver.lines()] == [("careful", "WARN")]


def test_without_a_tail_the_command_keeps_our_own_descriptors(receiver: Receiver, run: Run, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        code = "import os; print(os.fstat(1).st_ino, flush=True)"
        run("run", "job", "--tail", "0", *python(code), url=receiver.url, stdout=out)
    assert int((tmp_path / "out").read_text()) == (tmp_path / "out").stat().st_ino
    assert receiver.lines() == []


def test_the_command_knows_its_run(receiver: Receiver, run: Run) -> None:
    done = run("run", "job", *python("import os; print(os.environ['TRACKDESK_RUN'])"), url=receiver.url)
    assert done.stdout == b"uid1\n"


@contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """What is started in it hears the signal, also where the tests were started with it ignored, as nohup does."""
    before = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", FORWARDED)
def test_signals_reach_the_command(
    receiver: Receiver, cli: list[str], environ: dict[str, str], number: signal.Signals
) -> None:
    words = [*cli, "run", "job", "--url", receiver.url, "--", sys.executable, "-c", CATCH, str(int(number))]
    with heard(number), subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, start_new_session=True) as wrapper:
        assert wrapper.stdout is not None
        assert wrapper.stdout.readline() == b"ready\n"
        wrapper.send_signal(number)
        assert wrapper.stdout.readline() == f"caught {int(number)}\n".encode()
        assert wrapper.wait(LIMIT) == 7
    assert receiver.bodies("/complete")[0]["error"]["message"] == "exit code 7"


def test_what_is_ignored_stays_ignored(receiver: Receiver, cli: list[str], environ: dict[str, str]) -> None:
    code = "import signal; exit(0 if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else 1)"
    words = ["nohup", *cli, "run", "job", "--url", receiver.url, *python(code)]
    assert subprocess.run(words, env=environ, check=False, stdout=-1, stderr=-1, timeout=LIMIT).returncode == 0


def test_a_reader_that_goes_away_ends_the_command_as_usual(receiver: Receiver, run: Run) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as out:
        done = run("run", "job", "--", "sh", "-c", "yes", url=receiver.url, stdout=out)
    assert done.returncode == 128 + signal.SIGPIPE


def test_a_daemon_left_behind_does_not_hold_us_up(receiver: Receiver, run: Run) -> None:
    done = run("run", "job", "--", "sh", "-c", "sleep 30 & echo started $!", url=receiver.url)
    os.kill(int(done.stdout.split()[1]), signal.SIGTERM)
    assert done.returncode == 0
    assert receiver.bodies("/complete")[0]["status"] == "COMPLETED"


def test_a_long_command_shows_that_it_lives(receiver: Receiver, cli: list[str], environ: dict[str, str]) -> None:
    words = [*cli, "run", "job", "--url", receiver.url, "--heartbeat", "50ms", "--", "cat"]
    with subprocess.Popen(words, env=environ, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as wrapper:
        receiver.wait_for(lambda: receiver.said().count("PATCH /v1/runs/uid1") >= 2)
        assert wrapper.stdin is not None
        wrapper.stdin.close()
        assert wrapper.wait(LIMIT) == 0
    assert receiver.seen[0].body["heartbeat_timeout"] == "2s"


def test_the_command_runs_without_a_server_and_whoever_comes_next_reports_it(
    receiver: Receiver, run: Run, free_port: int, environ: dict[str, str]
) -> None:
    away = f"http://127.0.0.1:{free_port}"
    done = run("run", "job", "--id", "i1", *python("print('hello'); exit(4)"), url=away)
    assert (done.returncode, done.stdout) == (4, b"hello\n")
    assert b"kept and sent later" in done.stderr
    spooled = list((Path(environ["TRACKDESK_DATA_DIR"]) / "spool").glob("*.json"))
    for path in spooled:  # as if this server were the one that was away
        path.write_text(path.read_text().replace(away, receiver.url))
    assert run("start", "other", url=receiver.url).returncode == 0
    runs = {value["process"]: value for value in receiver.runs.values()}
    assert set(runs) == {"other", "job"}
    assert (runs["job"]["status"], runs["job"]["id"]) == ("FAILED", "i1")
    assert [line["message"] for line in receiver.lines()] == ["hello"]
    assert receiver.told("run.start")[0]["started_at"] < receiver.told("run.complete")[0]["completed_at"]


def test_a_hanging_server_delays_the_command_by_two_seconds_at_most(
    receiver: Receiver, cli: list[str], environ: dict[str, str]
) -> None:
    receiver.released.clear()
    words = [*cli, "run", "job", "--url", receiver.url, "--", "echo", "here"]
    began = time.monotonic()
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as wrapper:
        assert wrapper.stdout is not None
        assert wrapper.stdout.readline() == b"here\n"
        waited = time.monotonic() - began
        assert wrapper.wait(LIMIT) == 0
    assert waited < 8
    assert list((Path(environ["TRACKDESK_DATA_DIR"]) / "spool").glob("*.json"))


def test_a_wrapper_killed_beside_a_dead_server_leaves_that_it_began(
    free_port: int, cli: list[str], environ: dict[str, str]
) -> None:
    words = [*cli, "run", "job", "--url", f"http://127.0.0.1:{free_port}", "--", "sh", "-c", "echo here; cat"]
    with subprocess.Popen(
        words, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as wrapper:
        assert wrapper.stdout is not None
        assert wrapper.stdout.readline() == b"here\n"
        wrapper.kill()
    assert len(list((Path(environ["TRACKDESK_DATA_DIR"]) / "spool").glob("*.json"))) == 1


def test_with_tracking_off_the_command_just_runs(receiver: Receiver, run: Run, environ: dict[str, str]) -> None:
    environ["TRACKDESK_ENABLED"] = "false"
    assert run("run", "job", *python("exit(5)"), url=receiver.url).returncode == 5
    assert receiver.seen == []


@pytest.mark.parametrize(
    "wrong",
    [
        ["a b"],
        ["job", "--deadline", "soon"],
        ["job", "--tag", "x"],
        ["job", "--tag", "a b=c"],
        ["job", "--id", "a/b"],
        ["job", "--heartbeat", "often"],
        ["job", "--tail", "-1"],
        ["job", "--context", "[1]"],
        ["job", "--context", '{"x": "' + "y" * 70_000 + '"}'],
        ["job", "--port", "1"],
    ],
)
def test_wrong_usage_is_told_before_anything_runs(
    receiver: Receiver, run: Run, tmp_path: Path, wrong: list[str]
) -> None:
    done = run("run", *wrong, "--", "touch", str(tmp_path / "ran"), url=receiver.url)
    assert done.returncode == 2
    assert done.stderr
    assert not (tmp_path / "ran").exists()
    assert receiver.seen == []


def test_a_command_must_stand_after_two_dashes(run: Run) -> None:
    done = run("run", "job")
    assert done.returncode == 2
    assert b"after --" in done.stderr


def test_a_tail_keeps_the_last_lines_of_all_streams_and_at_most_64_kib() -> None:
    tail = Tail(1_000)
    for number in range(100):
        tail.feed("INFO", b"%d " % number + b"x" * 2_000 + b"\n")
    tail.feed("WARN", b"a\r50%\r100%\r\nunfin")
    tail.feed("WARN", b"ished")
    lines = list(tail.lines())
    assert [line.text for line in lines[-2:]] == ["100%", "unfinished"]
    assert sum(len(line.text) for line in lines) <= MAX_BYTES
    assert lines[-3].text.startswith("99 ")


def test_a_line_that_never_ends_is_cut() -> None:
    tail = Tail(10)
    for _ in range(100):
        tail.feed("INFO", b"x" * 10_000)
    assert [len(line.text) for line in tail.lines()] == [16_384]
