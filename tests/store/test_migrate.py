import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.notes_database import NOW, clock, program
from trackdesk.store.errors import SchemaChanged, SchemaTooNew, StoreError
from trackdesk.store.migrate import house_schema, migrate, read_schema, schema_version, statements
from trackdesk.store.opening import open_database


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE a (id INTEGER PRIMARY KEY);\nINSERT INTO a VALUES (1);\n")
    (folder / "0002_second.sql").write_text("CREATE TABLE b (a_id INTEGER REFERENCES a (id));")
    return folder


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path / "it.db")
    yield connection
    connection.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_migrations_are_applied_once_and_in_order(connection: sqlite3.Connection, schema: Path) -> None:
    assert migrate(connection, directory=schema, clock=clock) == [1, 2]
    assert migrate(connection, directory=schema, clock=clock) == []
    assert schema_version(connection) == 2
    rows = connection.execute("SELECT version, name, applied_at FROM schema_migrations").fetchall()
    assert rows == [(1, "first", NOW), (2, "second", NOW)]


def test_the_schema_of_the_house_can_be_applied(connection: sqlite3.Connection) -> None:
    assert migrate(connection) == list(range(1, len(read_schema(house_schema())) + 1))


def test_a_failing_migration_leaves_nothing_of_itself(connection: sqlite3.Connection, schema: Path) -> None:
    (schema / "0003_third.sql").write_text("CREATE TABLE c (id INTEGER);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreError, match="0003_third failed: no such table"):
        migrate(connection, directory=schema)
    assert schema_version(connection) == 2
    assert "c" not in tables(connection)


def test_a_changed_migration_is_refused(connection: sqlite3.Connection, schema: Path) -> None:
    migrate(connection, directory=schema)
    (schema / "0001_first.sql").write_text("CREATE TABLE other (id INTEGER);")
    with pytest.raises(SchemaChanged, match="0001_first"):
        migrate(connection, directory=schema)


def test_line_endings_do_not_change_a_migration(connection: sqlite3.Connection, schema: Path) -> None:
    migrate(connection, directory=schema)
    first = schema / "0001_first.sql"
    first.write_bytes(first.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(connection, directory=schema) == []


def test_a_newer_database_is_refused(connection: sqlite3.Connection, schema: Path) -> None:
    migrate(connection, directory=schema)
    (schema / "0002_second.sql").unlink()
    with pytest.raises(SchemaTooNew, match="schema 2, this trackdesk knows 1"):
        migrate(connection, directory=schema)


def test_a_gap_in_the_numbers_is_refused(connection: sqlite3.Connection, schema: Path) -> None:
    (schema / "0004_fourth.sql").write_text("SELECT 1;")
    with pytest.raises(StoreError, match=r"\[1, 2, 4\]"):
        migrate(connection, directory=schema)


def test_a_migration_that_leaves_orphans_is_refused(connection: sqlite3.Connection, schema: Path) -> None:
    (schema / "0003_third.sql").write_text("INSERT INTO b VALUES (99);")
    with pytest.raises(StoreError, match="rows of b without their parent in a"):
        migrate(connection, directory=schema)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_migration_that_commits_is_refused(connection: sqlite3.Connection, schema: Path) -> None:
    (schema / "0003_third.sql").write_text("COMMIT;")
    with pytest.raises(StoreError, match="must not end the transaction"):
        migrate(connection, directory=schema)


def test_a_script_is_split_at_the_end_of_statements_only() -> None:
    script = """
    -- a comment; with a semicolon
    CREATE TABLE t (a TEXT DEFAULT 'x;y'); CREATE INDEX i ON t (a);
    CREATE TRIGGER r AFTER INSERT ON t BEGIN
        UPDATE t SET a = 1; DELETE FROM t;
    END;
    SELECT 1"""
    assert [each.split()[-1] for each in statements(script)] == ["'x;y');", "(a);", "END;", "1"]


def test_processes_that_start_together_apply_each_migration_once(tmp_path: Path, schema: Path) -> None:
    command, environment = program(
        "import sys; from pathlib import Path",
        "from trackdesk.store.database import migrate, open_database",
        "sys.stdin.readline()",
        f"print(len(migrate(open_database(Path({str(tmp_path / 'race.db')!r})), directory=Path({str(schema)!r}))))",
    )
    racers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    counts = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(counts) == 2


def test_what_was_noted_once_for_a_file_is_noted_for_each_namespace(connection: sqlite3.Connection) -> None:
    migrate(connection, up_to=11)
    connection.execute("INSERT INTO namespaces (id, name, created_at) VALUES (2, 'other', 0)")
    connection.execute("INSERT INTO metric_counted VALUES (1, 7, 8, 9, 10, 11, 12)")
    connection.execute("""INSERT INTO facts VALUES ('rules_uncounted', '[[2, "slow", "crm", 3]]')""")
    assert migrate(connection)[:1] == [12]
    assert connection.execute("SELECT * FROM metric_counted").fetchall() == [(1, 7, 8, 9)]
    assert connection.execute("SELECT * FROM metric_kept").fetchall() == [(1, 10, 11, 12), (2, 10, 11, 12)]
    assert connection.execute("SELECT * FROM rule_uncounted").fetchall() == [(2, "slow", "crm", 3)]


def test_references_that_are_taken_out_leave_the_rows_and_no_reader_behind(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    migrate(connection, up_to=10)
    connection.execute("INSERT INTO processes (namespace_id, name, created_at, updated_at) VALUES (1, 'p', 0, 0)")
    connection.execute(
        "INSERT INTO runs (uid, namespace_id, process_id, id, attempt, status, started_at, error) "
        """VALUES ('u', 1, 1, 'r', 1, 'FAILED', 5, '{"message": "disk full"}')"""
    )
    with closing(sqlite3.connect(tmp_path / "it.db")) as other:
        assert other.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert migrate(connection)[:1] == [11]
        for each in (connection, other):
            for table in ("runs", "run_tags"):
                assert each.execute(f"PRAGMA foreign_key_list({table})").fetchall() == []
            assert each.execute("SELECT rowid FROM run_words WHERE run_words MATCH 'disk'").fetchall() == [(1,)]
            found = each.execute("SELECT uid FROM runs INDEXED BY runs_by_process WHERE process_id = 1").fetchall()
            assert found == [("u",)]
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA writable_schema").fetchone() == (0,)


def test_the_index_of_keys_is_laid_out_anew_and_still_holds_attempts_apart(connection: sqlite3.Connection) -> None:
    migrate(connection, up_to=12)
    for process in ("p", "q"):
        connection.execute(
            "INSERT INTO processes (namespace_id, name, created_at, updated_at) VALUES (1, ?, 0, 0)", (process,)
        )
    columns = "INSERT INTO runs (uid, namespace_id, process_id, id, attempt, status, started_at) VALUES"
    connection.execute(f"{columns} ('u', 1, 1, 'r', 1, 'FAILED', 5), ('v', 1, 2, 'r', 1, 'ACTIVE', 5)")
    assert migrate(connection)[:1] == [13]
    connection.execute(f"{columns} ('w', 1, 1, 'r', 2, 'FAILED', 5)")
    with pytest.raises(sqlite3.IntegrityError, match=r"runs\.attempt"):
        connection.execute(f"{columns} ('x', 1, 1, 'r', 2, 'FAILED', 5)")


def test_the_first_answers_are_laid_out_by_their_keys_and_none_is_lost(connection: sqlite3.Connection) -> None:
    migrate(connection, up_to=13)
    kept = [
        ("1:owner", "k", "f", 201, b"{}", 5),
        ("1:owner", "l", "f", 201, b"{}", 6),
        ("2:3", "k", "g", 201, b"[]", 7),
    ]
    connection.executemany("INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?)", kept)
    assert migrate(connection)[:1] == [14]
    assert sorted(connection.execute("SELECT * FROM idempotency").fetchall()) == kept
    plan = "EXPLAIN QUERY PLAN SELECT 1 FROM idempotency WHERE key = 'k' AND caller > '1:' AND caller < '1;'"
    assert "PRIMARY KEY (key=? AND caller>?" in connection.execute(plan).fetchone()[3]
