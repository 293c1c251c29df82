"""Finished runs counted up: what the one writer does to the roll-ups.

What is counted is sealed first. From then on a run that ends before the seal, told afterwards, and one that a person
deletes, leave a correction in the same transaction; all others pay nothing but a comparison. Packs and rows are written
whole, so that whoever is interrupted begins again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.tally import Tally
from trackdesk.store.rollup_reads import (
    CORRECTION_COLUMNS,
    COUNTS,
    LEVELS,
    MOST_VALUES,
    correction_from,
    tally_from,
    unpack,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trackdesk.domain.buckets import Counted
    from trackdesk.domain.run import Run
    from trackdesk.domain.tally import Ended
    from trackdesk.store.writer import Tx

MOST_KEYS: Final = 100
"""Tag keys, in a namespace, that are counted by themselves."""
STEP: Final = 200
"""Rows written in one operation."""
CORRECTIONS: Final = 20
"""Corrections worked in by one operation."""


class Name(NamedTuple):
    """What a series counts; `kind` is all, process, key or tag."""

    kind: str
    process_id: int = 0
    key: str = ""
    value: str = ""


ALL: Final = Name("all")
_INSERT_ROWS = f"INSERT OR REPLACE INTO rollups (level, series_id, at, {COUNTS}, sketch)"


def names_of(run: Ended) -> list[Name]:
    """The series in which a run counts."""
    names = [ALL, Name("process", run.process_id)]
    for key, value in run.tags.items():
        names += [Name("key", key=key), Name("tag", key=key, value=value)]
    return names


def correct(tx: Tx, namespace_id: int, process_id: int, run: Run, sign: int = 1) -> None:
    """To be called for every run that ends, and with -1 for a finished one that a person deletes: what is counted
    already is put right. Not for runs deleted for their age: what was counted of them stays."""
    if run.completed_at is None or run.completed_at >= sealed_to(tx, namespace_id):
        return
    tx.execute(
        "INSERT INTO rollup_corrections (namespace_id, completed_at, sign, process_id, status, deadline_status, "
        "overdue, duration, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            namespace_id,
            run.completed_at,
            sign,
            process_id,
            run.status,
            run.deadline_status,
            run.overdue_at_finish,
            run.duration or 0,
            orjson.dumps(run.tags).decode(),
        ),
    )


def correct_deleted(tx: Tx, namespace_id: int, seqs: Sequence[int]) -> None:
    """`correct` with -1 for many stored runs, before a person's wish deletes them."""
    tx.execute(
        "INSERT INTO rollup_corrections (namespace_id, completed_at, sign, process_id, status, deadline_status, "
        "overdue, duration, tags) SELECT namespace_id, completed_at, -1, process_id, status, deadline_status, "
        "overdue_at_finish, ifnull(duration, 0), tags FROM runs WHERE seq IN (SELECT value FROM json_each(?)) "
        "AND completed_at < ?",
        (orjson.dumps(seqs).decode(), sealed_to(tx, namespace_id)),
    )


def sealed_to(tx: Tx, namespace_id: int) -> int:
    """The instant (µs) before which nothing is counted from the runs any more; 0 while nothing is counted."""
    known: dict[int, int] = tx.cache.setdefault("sealed", {})
    sealed = known.get(namespace_id)
    if sealed is None:
        row = tx.one("SELECT sealed_to FROM rollup_cursors WHERE namespace_id = ?", (namespace_id,))
        sealed = known[namespace_id] = row[0] if row else 0
    return sealed


def begin(tx: Tx, namespace_id: int) -> bool:
    """Count from the day of the first run that ended; false when there is none."""
    first = tx.one(
        "SELECT completed_at FROM runs INDEXED BY runs_by_completion WHERE namespace_id = ? "
        "AND completed_at IS NOT NULL ORDER BY completed_at LIMIT 1",
        (namespace_id,),
    )
    if first is None:
        return False
    at = first[0] // DAY * DAY
    tx.execute("INSERT OR IGNORE INTO rollup_cursors VALUES (?, ?, ?, ?, ?)", (namespace_id, at, at, at, at))
    tx.cache.get("sealed", {}).pop(namespace_id, None)
    intern(tx, namespace_id, [ALL])
    return True


def seal(tx: Tx, namespace_id: int, until: int) -> None:
    """Runs that end before `until` (µs) are counted from what is stored after this."""
    tx.execute("UPDATE rollup_cursors SET sealed_to = max(sealed_to, ?) WHERE namespace_id = ?", (until, namespace_id))
    tx.cache.get("sealed", {}).pop(namespace_id, None)


def move(tx: Tx, namespace_id: int, **cursors: int) -> None:
    """Set `minutes_to`, `hours_to` or `days_to`."""
    marks = ", ".join(f"{name} = ?" for name in cursors)
    tx.execute(f"UPDATE rollup_cursors SET {marks} WHERE namespace_id = ?", (*cursors.values(), namespace_id))


def minutes_counted(tx: Tx, namespace_id: int, until: int, last_correction: int) -> None:
    """The minutes before `until` are in packs; what the corrections up to `last_correction` say was in the runs when
    they were read."""
    row = tx.one("SELECT minutes_to FROM rollup_cursors WHERE namespace_id = ?", (namespace_id,))
    assert row is not None, "counting has begun"
    tx.execute(
        "DELETE FROM rollup_corrections WHERE namespace_id = ? AND completed_at >= ? AND completed_at < ? AND id <= ?",
        (namespace_id, row[0], until, last_correction),
    )
    move(tx, namespace_id, minutes_to=until)


def hour_counted(tx: Tx, namespace_id: int, until: int) -> None:
    """The hour before `until` is in rows; its packs go."""
    tx.execute("DELETE FROM rollup_minutes WHERE namespace_id = ? AND at < ?", (namespace_id, until))
    move(tx, namespace_id, hours_to=until)


def intern(tx: Tx, namespace_id: int, names: Iterable[Name]) -> dict[Name, int | None]:
    """The ids of series, made where there are none; None for a value of a key that has too many, and for a key too
    many."""
    found: dict[Name, int | None] = {}
    for name in names:
        row = tx.one(
            "SELECT id FROM rollup_series WHERE namespace_id = ? AND kind = ? AND process_id = ? AND key = ? "
            "AND value = ?",
            (namespace_id, *name),
        )
        if row is None and _has_room(tx, namespace_id, name):
            row = tx.one(
                "INSERT INTO rollup_series (namespace_id, kind, process_id, key, value) VALUES (?, ?, ?, ?, ?) "
                "RETURNING id",
                (namespace_id, *name),
            )
        found[name] = None if row is None else row[0]
    return found


def _has_room(tx: Tx, namespace_id: int, name: Name) -> bool:
    if name.kind == "key":
        row = tx.one("SELECT count(*) FROM rollup_series WHERE namespace_id = ? AND kind = 'key'", (namespace_id,))
        return row is not None and row[0] < MOST_KEYS
    if name.kind == "tag":
        row = tx.one(
            "SELECT count(*), EXISTS (SELECT 1 FROM rollup_series WHERE namespace_id = ? AND kind = 'key' AND key = ?) "
            "FROM rollup_series WHERE namespace_id = ? AND kind = 'tag' AND key = ?",
            (namespace_id, name.key, namespace_id, name.key),
        )
        return row is not None and row[0] < MOST_VALUES and bool(row[1])
    return True


def give_way(tx: Tx, namespace_id: int, unseen_since: int) -> list[int]:
    """In keys that are full, let go of the values that no run had since an instant (µs); gives their ids."""
    full = tx.all(
        "SELECT key FROM rollup_series WHERE namespace_id = ? AND kind = 'tag' GROUP BY key HAVING count(*) >= ?",
        (namespace_id, MOST_VALUES),
    )
    gone: list[int] = []
    for (key,) in full:
        gone += [
            row[0]
            for row in tx.all(
                "DELETE FROM rollup_series WHERE namespace_id = ? AND kind = 'tag' AND key = ? AND ifnull((SELECT "
                "max(r.at) FROM rollups r WHERE r.level = 1 AND r.series_id = rollup_series.id), ?) < ? RETURNING id",
                (namespace_id, key, unseen_since, unseen_since),
            )
        ]
    for series in gone:
        tx.execute("DELETE FROM rollups WHERE level IN (1, 2) AND series_id = ?", (series,))
    return gone


class Minute(NamedTuple):
    """What is written of a minute: all series as `packed` has them, and all runs."""

    at: int
    pack: str
    everything: Tally


def write_minutes(tx: Tx, namespace_id: int, all_id: int, minutes: Sequence[Minute]) -> None:
    """Packs, and the rows of all runs; what is there is replaced."""
    tx.insert("INSERT OR REPLACE INTO rollup_minutes", [(namespace_id, each.at, each.pack) for each in minutes])
    write_rows(tx, "minute", [(all_id, each.at, each.everything) for each in minutes])


def write_rows(tx: Tx, kind: str, rows: Sequence[tuple[int, int, Tally]]) -> None:
    """(series, instant, tally) as rows of minutes, hours or days; what is there is replaced."""
    level = LEVELS[kind]
    tx.insert(_INSERT_ROWS, [(level, series, at, *_columns(tally)) for series, at, tally in rows])


def _columns(tally: Tally) -> list[Any]:
    *counts, sketch = tally.flat()
    return [*counts, orjson.dumps(sketch).decode()]


def work_in(tx: Tx, namespace_id: int, counted: Counted) -> int:
    """Put right what the oldest corrections say, in packs or rows; gives how many there were."""
    rows = tx.all(
        f"SELECT {CORRECTION_COLUMNS}, id FROM rollup_corrections WHERE namespace_id = ? AND completed_at < ? "
        "ORDER BY completed_at LIMIT ?",
        (namespace_id, counted.minutes_to, CORRECTIONS),
    )
    tallies: dict[tuple[str, int, int], Tally] = {}
    packs: dict[int, dict[int, Tally]] = {}
    for row in rows:
        sign, run = row[0], correction_from(row)
        for name, series in intern(tx, namespace_id, names_of(run)).items():
            if series is None:
                continue
            for kind, at in _places(name, run.completed_at, counted):
                if kind == "pack":
                    if at not in packs:
                        packs[at] = _read_pack(tx, namespace_id, at)
                    packs[at].setdefault(series, Tally()).add(run, sign)
                    continue
                place = (kind, series, at)
                if place not in tallies:
                    tallies[place] = _read_row(tx, *place)
                tallies[place].add(run, sign)
        tx.execute("DELETE FROM rollup_corrections WHERE id = ?", (row[-1],))
    for (kind, series, at), tally in tallies.items():
        write_rows(tx, kind, [(series, at, tally)])
    for at, pack in packs.items():
        tx.execute("INSERT OR REPLACE INTO rollup_minutes VALUES (?, ?, ?)", (namespace_id, at, packed(pack)))
    return len(rows)


def packed(tallies: Mapping[int, Tally]) -> str:
    """A pack as it is stored."""
    return orjson.dumps({str(series): tally.flat() for series, tally in tallies.items()}).decode()


def _places(name: Name, at: int, counted: Counted) -> list[tuple[str, int]]:
    """Where a run that ended at `at` is counted already."""
    places = [("minute", at // MINUTE * MINUTE)] if name == ALL else []
    if at >= counted.hours_to:
        return [*places, ("pack", at // MINUTE * MINUTE)]
    places.append(("hour", at // HOUR * HOUR))
    return [*places, ("day", at // DAY * DAY)] if at < counted.days_to else places


def _read_pack(tx: Tx, namespace_id: int, at: int) -> dict[int, Tally]:
    row = tx.one("SELECT pack FROM rollup_minutes WHERE namespace_id = ? AND at = ?", (namespace_id, at))
    return {} if row is None else {series: Tally.of_flat(flat) for series, flat in unpack(row[0]).items()}


def _read_row(tx: Tx, kind: str, series: int, at: int) -> Tally:
    row = tx.one(
        f"SELECT {COUNTS}, sketch FROM rollups WHERE level = ? AND series_id = ? AND at = ?", (LEVELS[kind], series, at)
    )
    return Tally() if row is None else tally_from(row)


def trim(tx: Tx, kind: str, series: Iterable[int], before: int) -> None:
    """Drop rows of an instant before `before` (µs)."""
    tx.execute(
        "DELETE FROM rollups WHERE level = ? AND series_id IN (SELECT value FROM json_each(?)) AND at < ?",
        (LEVELS[kind], orjson.dumps(list(series)).decode(), before),
    )


def set_percentiles(tx: Tx, values: Iterable[tuple[int, Sequence[int | None]]]) -> None:
    """(process id, its p50, p90 and p99 in µs)."""
    for process, percentiles in values:
        tx.execute("UPDATE processes SET p50 = ?, p90 = ?, p99 = ? WHERE id = ?", (*percentiles, process))
