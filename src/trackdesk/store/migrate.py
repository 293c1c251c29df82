"""Brings a database to the schema of this program: numbered SQL files, forward only, each applied once."""

import hashlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from trackdesk.store.errors import SchemaChanged, SchemaTooNew, StoreError, translate
from trackdesk.store.faultpoint import reach

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the schema directory."""

    version: int
    name: str
    script: str
    checksum: str


def _now() -> int:
    return time.time_ns() // 1000


def house_schema() -> Traversable:
    """The directory of migrations that comes with the program."""
    return files("trackdesk.store") / "schema"


def read_schema(directory: Traversable) -> list[Migration]:
    """The migrations in `directory`, in order; raises `StoreError` when a number is missing or there twice."""
    found = []
    for entry in directory.iterdir():
        matched = _FILE_NAME.fullmatch(entry.name)
        if matched:
            script = entry.read_text(encoding="utf-8").replace("\r\n", "\n")
            checksum = hashlib.sha256(script.encode()).hexdigest()
            found.append(Migration(int(matched[1]), matched[2], script, checksum))
    found.sort(key=lambda migration: migration.version)
    versions = [migration.version for migration in found]
    if not versions or versions != list(range(1, len(versions) + 1)):
        raise StoreError(f"the migrations in {directory} must be numbered 0001, 0002 and so on; found {versions}")
    return found


def schema_version(connection: sqlite3.Connection) -> int:
    """The number of the last migration applied; 0 for a database without any."""
    return max(_applied(connection), default=0)


def migrate(
    connection: sqlite3.Connection,
    *,
    directory: Traversable | None = None,
    clock: Callable[[], int] = _now,
    up_to: int | None = None,
) -> list[int]:
    """Apply what is missing and give the numbers applied; `connection` comes from `open_database`, `clock` in µs UTC.

    `up_to`: go no further than that migration, for rows that were written under an older schema.

    Each file is one transaction, so that a crash leaves whole migrations only, and processes that start together apply
    each once. Raises `SchemaTooNew`, `SchemaChanged`, `StorageFull`, `Busy`, or `StoreError` naming the migration.
    """
    schema = read_schema(directory or house_schema())
    pending = [each for each in _pending(connection, schema) if up_to is None or each.version <= up_to]
    if not pending:
        return []
    # Rebuilding a table others refer to needs the checks off, which is only possible outside a transaction.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        return [migration.version for migration in pending if _apply(connection, migration, schema, clock)]
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def statements(script: str) -> Iterator[str]:
    """The statements of `script` one by one; a `;` inside a string, a comment or a trigger ends none."""
    gathered = ""
    *pieces, rest = script.split(";")
    for piece in pieces:
        gathered += piece + ";"
        if sqlite3.complete_statement(gathered):
            yield gathered.strip()
            gathered = ""
    if (gathered + rest).strip():
        yield (gathered + rest).strip()


def _applied(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'").fetchone():
        return {}
    rows = connection.execute("SELECT version, name, checksum FROM schema_migrations").fetchall()
    return {version: (name, checksum) for version, name, checksum in rows}


def _pending(connection: sqlite3.Connection, schema: list[Migration]) -> list[Migration]:
    applied = _applied(connection)
    newest = max(applied, default=0)
    if newest > len(schema):
        raise SchemaTooNew(
            f"the database has schema {newest}, this trackdesk knows {len(schema)}; use the newer trackdesk"
        )
    for migration in schema:
        known = applied.get(migration.version)
        if known is not None and known[1] != migration.checksum:
            raise SchemaChanged(
                f"migration {migration.version:04}_{migration.name} is not the one that was applied to this database; "
                "install the version of trackdesk that wrote it, or restore a backup"
            )
    return [migration for migration in schema if migration.version not in applied]


def _apply(
    connection: sqlite3.Connection, migration: Migration, schema: list[Migration], clock: Callable[[], int]
) -> bool:
    """False when another process was faster."""
    label = f"{migration.version:04}_{migration.name}"
    try:
        connection.execute("BEGIN IMMEDIATE")
        if migration not in _pending(connection, schema):
            connection.execute("ROLLBACK")
            return False
        connection.execute(_TABLE)
        _run_script(connection, migration.script, label)
        connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
            (migration.version, migration.name, migration.checksum, clock()),
        )
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            known = translate(error, f"apply migration {label}")
            raise known or StoreError(f"migration {label} failed: {error}") from error
        raise
    return True


def _run_script(connection: sqlite3.Connection, script: str, label: str) -> None:
    todo = list(statements(script))
    for number, statement in enumerate(todo):
        if number == len(todo) // 2:
            reach("migrate.middle")
        connection.execute(statement)
        if not connection.in_transaction:
            raise StoreError(f"migration {label} must not end the transaction it runs in")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StoreError(f"migration {label} leaves rows of {broken[0]} without their parent in {broken[2]}")
