import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.notes_database import make, program, rows
from trackdesk.store.migrate import migrate, schema_version
from trackdesk.store.opening import open_database

WORKER = (
    "import asyncio, resource, signal, sys",
    "from pathlib import Path",
    "from tests.store.notes_database import clock, note, notes",
    "from trackdesk.store.errors import StorageFull",
    "from trackdesk.store.writer import Writer",
    "path = Path(sys.argv[1])",
    "writer = Writer(path, clock=clock)",
)
ENDLESS = (
    "async def client(name):",
    "    for number in range(1_000_000):",
    "        text = f'{name}-{number}'",
    "        await (writer.run_each(notes, text) if number % 2 else writer.run(note(text, journalled=True)))",
    "        print(text, flush=True)",
    "async def main():",
    "    await asyncio.gather(*(client(name) for name in 'abcdefgh'))",
    "writer.start()",
    "asyncio.run(main())",
)


def run(path: Path, *lines: str, **environment: str) -> tuple[int, set[str]]:
    """Exit code of a process that writes, and the texts that were acknowledged to it."""
    command, variables = program(*WORKER, *lines, **environment)
    done = subprocess.run(
        [*command, str(path)], env=variables, stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    return done.returncode, {line for line in done.stdout.splitlines() if line}


def whole(path: Path) -> set[object]:
    """The notes, after looking that each has its journal row, none came twice, and the file is sound."""
    texts = rows(path)
    assert rows(path, "PRAGMA integrity_check") == ["ok"]
    assert sorted(map(str, rows(path, "SELECT ref FROM journal"))) == sorted(map(str, texts))
    last = len(texts)
    assert rows(path, "SELECT seq FROM journal ORDER BY seq") == list(range(1, last + 1))
    return set(texts)


@pytest.mark.parametrize("point", ["writer.before_commit:40", "writer.in_batch:90", "writer.after_commit:40"])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, point: str) -> None:
    path = make(tmp_path)
    code, acknowledged = run(path, *ENDLESS, TRACKDESK_KILL_AT=point)
    assert code == -signal.SIGKILL
    assert acknowledged
    stored = whole(path)
    assert acknowledged <= stored
    # What is stored without an answer is at most the one batch that was in hand.
    assert len(stored - acknowledged) <= 16


def test_a_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = make(tmp_path)
    command, variables = program(*WORKER, *ENDLESS)
    with subprocess.Popen([*command, str(path)], env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = {process.stdout.readline().strip() for _ in range(500)}
        process.kill()
        rest = process.stdout.read()
    acknowledged |= {line for line in rest.split("\n")[:-1] if line}
    assert acknowledged <= whole(path)


def test_a_migration_killed_in_the_middle_is_applied_whole_by_the_next(tmp_path: Path) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "0001_two.sql").write_text("CREATE TABLE a (id INTEGER);\nCREATE TABLE b (id INTEGER);\n")
    path = tmp_path / "it.db"
    lines = (
        "from trackdesk.store.database import migrate, open_database",
        f"migrate(open_database(path), directory=Path({str(schema)!r}))",
    )
    assert run(path, *lines, TRACKDESK_KILL_AT="migrate.middle")[0] == -signal.SIGKILL
    with closing(open_database(path)) as connection:
        assert schema_version(connection) == 0
        assert migrate(connection, directory=schema) == [1]
        assert connection.execute("SELECT * FROM a, b").fetchall() == []


def test_a_disk_that_takes_no_more_refuses_writes_until_it_does(tmp_path: Path) -> None:
    path = make(tmp_path)
    lines = (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)",
        "soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)",
        "async def main():",
        "    refused = 0",
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))",
        "    for number in range(200):",
        "        try:",
        "            await writer.run(note(f'{number} ' + 'x' * 4000, journalled=True))",
        "            print(number)",
        "        except StorageFull:",
        "            refused += 1",
        "    assert 0 < refused < 200, refused",
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))",
        "    await writer.run(note('after x', journalled=True))",
        "    print('after')",
        "    await writer.aclose()",
        "writer.start()",
        "asyncio.run(main())",
    )
    code, acknowledged = run(path, *lines)
    assert code == 0
    assert acknowledged == {str(text).split(maxsplit=1)[0] for text in whole(path)}


def test_another_process_that_holds_the_lock_only_delays(tmp_path: Path) -> None:
    path = make(tmp_path)
    holder, variables = program(
        "import sqlite3, sys",
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)",
        "connection.execute('BEGIN IMMEDIATE')",
        "print('held', flush=True)",
        "sys.stdin.readline()",
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*holder, str(path)], env=variables, **pipes) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with closing(sqlite3.connect(path, timeout=0)) as probe, pytest.raises(sqlite3.OperationalError):
            probe.execute("BEGIN IMMEDIATE")
        command, environment = program(
            *WORKER,
            "writer.start()",
            "print('started', flush=True)",
            "print(writer.run_sync(note('a')), flush=True)",
            "writer.close()",
        )
        with subprocess.Popen([*command, str(path)], env=environment, stdout=subprocess.PIPE, text=True) as writing:
            assert writing.stdout is not None
            assert writing.stdout.readline() == "started\n"
            assert other.stdin is not None
            other.stdin.write("\n")
            other.stdin.flush()
            assert writing.stdout.readline() == "1\n"
    assert rows(path) == ["a"]
