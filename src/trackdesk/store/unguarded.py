"""References that no foreign key guards, as it would cost every write: looked at when a file is checked or read in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


class Parent(NamedTuple):
    table: str
    column: str


class Reference(NamedTuple):
    """What stands in a column stands in one of the parents, too."""

    column: str
    parents: tuple[Parent, ...]


REFERENCES = {
    "runs": Reference("process_id", (Parent("processes", "id"),)),
    "run_tags": Reference("tag_id", (Parent("tags", "id"),)),
    # A run may go before its lines do.
    "logs": Reference("run_seq", (Parent("runs", "seq"), Parent("gone_runs", "seq"))),
    "samples": Reference("series_id", (Parent("series", "id"),)),
}
"""By table."""


def present(connection: sqlite3.Connection) -> dict[str, Reference]:
    """Those of the tables that there are: an older schema may lack some."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return {
        table: reference._replace(parents=tuple(parent for parent in reference.parents if parent.table in there))
        for table, reference in REFERENCES.items()
        if table in there
    }


def stands(reference: Reference, value: str) -> str:
    """The condition that `value`, an expression of SQL, stands in one of the parents."""
    return " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE {column} = {value})" for table, column in reference.parents
    )


def orphans(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """(table, the parent's table, how many rows lack it) of those tables where some do."""
    for table, reference in present(connection).items():
        sql = f"SELECT count(*) FROM {table} AS child WHERE NOT ({stands(reference, f'child.{reference.column}')})"
        count = connection.execute(sql).fetchone()[0]
        if count:
            yield table, reference.parents[0].table, count
