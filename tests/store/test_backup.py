import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.notes_database import clock, make, note, notes, rows
from trackdesk.store.compact import rebuild
from trackdesk.store.database import Finding, ServerLock, backup, check, migrate, open_database, restore
from trackdesk.store.errors import Corrupt, DatabaseLocked, SchemaTooNew, StoreError
from trackdesk.store.writer import Writer


def kept_in(folder: Path) -> list[Path]:
    return list(folder.glob("*before-restore*"))


def unfinished_in(folder: Path) -> list[Path]:
    return list(folder.glob(".*.tmp*"))


async def filled(path: Path, *texts: str) -> None:
    writer = Writer(path, clock=clock)
    writer.start()
    for text in texts:
        await writer.run(note(text, journalled=True))
    await writer.aclose()


async def test_a_backup_under_load_holds_everything_acknowledged_before_it(tmp_path: Path) -> None:
    path, target = make(tmp_path), tmp_path / "copy.db"
    writer = Writer(path, clock=clock)
    writer.start()
    await asyncio.gather(*(writer.run_each(notes, f"early {number} {'x' * 2000}") for number in range(2000)))
    stop = False

    async def write_on() -> int:
        number = 0
        while not stop:
            await writer.run_each(notes, f"late {number}")
            number += 1
        return number

    task = asyncio.ensure_future(write_on())
    size = await asyncio.to_thread(backup, path, target)
    stop = True
    assert await task > 0
    await writer.aclose()
    assert rows(target, "SELECT count(*) FROM notes WHERE text LIKE 'early%'") == [2000]
    assert rows(target, "PRAGMA integrity_check") == ["ok"]
    assert size > 2000 * 2000


def test_a_backup_is_one_private_file(tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    size = backup(make(tmp_path), target)
    assert size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("copy.db-*"))
    assert not list(tmp_path.glob(".*.tmp"))


async def test_an_older_backup_is_replaced(tmp_path: Path) -> None:
    path, target = make(tmp_path), tmp_path / "copy.db"
    backup(path, target)
    await filled(path, "a")
    backup(path, target)
    assert rows(target) == ["a"]


def test_a_file_that_is_no_database_is_not_overwritten(tmp_path: Path) -> None:
    path, target = make(tmp_path), tmp_path / "letter.txt"
    target.write_text("Dear reader")
    with pytest.raises(StoreError, match="is no database"):
        backup(path, target)
    assert target.read_text() == "Dear reader"


def test_a_database_is_not_backed_up_onto_itself(tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(StoreError, match="the database itself"):
        backup(path, path)


def test_a_backup_of_nothing_or_to_nowhere_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        backup(tmp_path / "none.db", tmp_path / "copy.db")
    with pytest.raises(StoreError, match="does not exist"):
        backup(make(tmp_path), tmp_path / "missing" / "copy.db")


async def test_restoring_keeps_the_old_database_beside(tmp_path: Path) -> None:
    path, copy = make(tmp_path), tmp_path / "copy.db"
    await filled(path, "a")
    backup(path, copy)
    await filled(path, "b")
    first = restore(copy, path, directory=tmp_path / "schema")
    second = restore(copy, path, directory=tmp_path / "schema")
    assert first == tmp_path / "notes.db.before-restore-1"
    assert second == tmp_path / "notes.db.before-restore-2"
    assert rows(first) == ["a", "b"]
    assert rows(path) == ["a"]
    await filled(path, "c")
    assert rows(path) == ["a", "c"]


async def test_what_only_the_log_holds_is_kept_too(tmp_path: Path) -> None:
    path, copy = make(tmp_path), tmp_path / "copy.db"
    backup(path, copy)
    with closing(sqlite3.connect(path, isolation_level=None)) as left_open:
        left_open.execute("INSERT INTO notes (text) VALUES ('in the log')")
        kept = restore(copy, path, directory=tmp_path / "schema")
    assert kept is not None
    assert rows(kept) == ["in the log"]
    assert rows(path) == []


def test_a_database_in_use_is_not_restored(tmp_path: Path) -> None:
    path, copy = make(tmp_path), tmp_path / "copy.db"
    backup(path, copy)
    with ServerLock(path), pytest.raises(DatabaseLocked, match=str(os.getpid())):
        restore(copy, path, directory=tmp_path / "schema")


def test_a_restore_where_nothing_was_makes_the_database(tmp_path: Path) -> None:
    path, copy = make(tmp_path), tmp_path / "copy.db"
    backup(path, copy)
    assert restore(copy, tmp_path / "new" / "it.db", directory=tmp_path / "schema") is None
    assert rows(tmp_path / "new" / "it.db") == []


async def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    path, copy = make(tmp_path), tmp_path / "copy.db"
    await filled(path, *(f"{number} {'x' * 1000}" for number in range(50)))
    backup(path, copy)
    with copy.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(Corrupt, match=r"copy\.db"):
        restore(copy, path, directory=tmp_path / "schema")
    assert len(rows(path)) == 50
    assert not kept_in(tmp_path)


async def test_a_copy_that_can_not_be_finished_is_not_left_behind(tmp_path: Path) -> None:
    path, copy = make(tmp_path), tmp_path / "copy.db"
    await filled(path, "a")
    backup(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as full:
        full.execute("CREATE TABLE facts (name, value CHECK (0))")
    with pytest.raises(StoreError, match="could not copy"):
        restore(copy, path, directory=tmp_path / "schema")
    assert not unfinished_in(tmp_path)
    assert rows(path) == ["a"]


def test_sources_that_will_not_do_are_named(tmp_path: Path) -> None:
    path, schema = make(tmp_path), tmp_path / "schema"
    (tmp_path / "letter.txt").write_text("Dear reader")
    with pytest.raises(Corrupt, match="no SQLite database"):
        restore(tmp_path / "letter.txt", path, directory=schema)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (a)")
    with pytest.raises(StoreError, match="not one of trackdesk's"):
        restore(tmp_path / "other.db", path, directory=schema)
    with pytest.raises(StoreError, match="no backup at"):
        restore(tmp_path / "none.db", path, directory=schema)
    copy = tmp_path / "copy.db"
    backup(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as newer:
        newer.execute("INSERT INTO schema_migrations VALUES (2, 'x', 'x', 1)")
    with pytest.raises(SchemaTooNew, match="schema 2"):
        restore(copy, path, directory=schema)


def test_a_sound_database_has_nothing_to_mend(tmp_path: Path) -> None:
    findings = check(make(tmp_path), directory=tmp_path / "schema")
    assert {finding.name for finding in findings if finding.level != "OK"} <= {"disk space"}
    names = [finding.name for finding in findings]
    assert names[:1] == ["sqlite"]
    assert {"schema", "integrity", "references", "journal mode", "free pages", "size", "permissions"} <= set(names)


def test_what_is_wrong_is_said_with_its_remedy(tmp_path: Path) -> None:
    path = make(tmp_path)
    path.chmod(0o644)
    (tmp_path / "schema" / "0002_more.sql").write_text("SELECT 1;")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO replies (note_id) VALUES (99)")
    wrong = {finding.name: finding for finding in check(path, directory=tmp_path / "schema") if finding.remedy}
    assert wrong["permissions"].remedy == f"chmod 600 {path}"
    assert wrong["schema"].detail == "version 1, this program knows 2"
    assert wrong["references"].level == "ERROR"


def test_a_row_whose_parent_no_foreign_key_guards_is_found(tmp_path: Path) -> None:
    path, target = tmp_path / "it.db", tmp_path / "other.db"
    with closing(open_database(path)) as connection:
        migrate(connection)
        connection.execute("INSERT INTO run_tags (tag_id, started_at, run_seq) VALUES (7, 0, 1), (8, 0, 1)")
        connection.execute("INSERT INTO logs (run_seq, level, message, logged_at) VALUES (1, 0, 'x', 0)")
    wrong = next(finding for finding in check(path) if finding.name == "references")
    assert (wrong.level, wrong.detail) == ("ERROR", "3 rows without their parent, in logs, run_tags")
    with pytest.raises(Corrupt, match="rows of run_tags have no parent in tags"):
        restore(path, target)


def test_a_missing_or_foreign_file_is_an_error(tmp_path: Path) -> None:
    assert [finding.level for finding in check(tmp_path / "none.db") if finding.name == "database"] == ["ERROR"]
    (tmp_path / "letter.txt").write_text("Dear reader, " * 100)
    assert [finding.level for finding in check(tmp_path / "letter.txt") if finding.name == "database"] == ["ERROR"]


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_a_file_that_cannot_shrink_is_told_how_it_can(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("CREATE TABLE filler (text TEXT)")
    with closing(open_database(path)) as connection:
        migrate(connection)
        connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 4000,)] * 500)
        assert by_name(check(path))["free pages"].level == "OK"
        connection.execute("DELETE FROM filler")
    finding = by_name(check(path))["free pages"]
    assert finding.level == "WARN"
    assert "trackdesk cleanup --compact" in finding.remedy
    rebuild(path)
    assert by_name(check(path))["free pages"].remedy == ""
    assert by_name(check(path))["rows"].detail.startswith("about 0 runs, 0 logs")
