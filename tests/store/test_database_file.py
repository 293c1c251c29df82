import os
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.notes_database import program
from trackdesk.sdk.filelock import is_held
from trackdesk.store.database import LockInfo, ServerLock, check_sqlite, lock_path, open_database, read_lock
from trackdesk.store.errors import Corrupt, DatabaseLocked, SqliteTooOld, StoreError


def test_a_new_database_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "it.db"
    with closing(open_database(path)) as connection:
        connection.execute("CREATE TABLE t (a)")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for name in ("it.db", "it.db-wal", "it.db-shm"):
            assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600


def test_a_database_is_opened_durable_and_with_foreign_keys(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "it.db")) as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        assert [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked] == ["wal", 2, 1, 10_000]


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    with pytest.raises(Corrupt, match=r"letter\.txt"):
        open_database(path)
    assert path.read_text().startswith("Dear reader")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"it\.db for writing"):
        open_database(tmp_path / "file" / "it.db")


def test_an_old_sqlite_is_refused_with_both_versions() -> None:
    with pytest.raises(SqliteTooOld, match=r"3\.36\.0; trackdesk needs 3\.37\.0"):
        check_sqlite((3, 36, 0))
    check_sqlite(sqlite3.sqlite_version_info)


def test_a_second_server_is_told_who_holds_the_database(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    command, environment = program(
        "import sys; from pathlib import Path",
        "from trackdesk.store.database import ServerLock",
        f"lock = ServerLock(Path({str(path)!r})); lock.acquire(); lock.publish('http://127.0.0.1:8765')",
        "print('held', flush=True); sys.stdin.readline()",
    )
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert read_lock(path) == LockInfo(other.pid, "http://127.0.0.1:8765")
        with pytest.raises(DatabaseLocked, match=f"process {other.pid}") as caught:
            ServerLock(path).acquire()
        assert caught.value.pid == other.pid
        other.kill()
    assert read_lock(path) is None
    with ServerLock(path):
        assert read_lock(path) is not None


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    with ServerLock(path):
        assert stat.S_IMODE(lock_path(path).stat().st_mode) == 0o600
    with ServerLock(path) as lock:
        lock.publish("http://[::1]:1")
        said = read_lock(path)
        assert said is not None
        assert said.url == "http://[::1]:1"


def test_nobody_holds_a_database_that_was_never_served(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "it.db") is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no shared locks")
def test_those_who_only_look_are_no_server_to_one_another(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    with ServerLock(path):
        pass
    with lock_path(path).open("rb") as other:
        assert not is_held(other.fileno())  # holds its shared lock until it is closed
        assert read_lock(path) is None


def test_an_unreadable_lock_still_counts_as_held(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    with ServerLock(path):
        lock_path(path).write_text("[")
        assert read_lock(path) == LockInfo(None, None)
