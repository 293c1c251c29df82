"""Reading processes: their settings, their state and how their last runs went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import NotFound
from trackdesk.domain.page import Page
from trackdesk.domain.process import Outcome, Process, ProcessState, RunCounts
from trackdesk.domain.q import parse
from trackdesk.domain.q_fields import PROCESS_FIELDS
from trackdesk.store.conditions import Part, Terms, among, contains, every, meet, negate, one_of, words_of
from trackdesk.store.keyset import make_page, read_position, split_sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.filters import ProcessFilter
    from trackdesk.store.readers import Readers

RECENT = 20
SAMPLE = 1000
"""Percentiles are taken over so many of the last completed runs."""

_LATE = (
    "EXISTS (SELECT 1 FROM runs l INDEXED BY runs_late WHERE l.process_id = p.id AND l.status = 'ACTIVE' "
    "AND (l.deadline_status = 'MISSED' OR l.stalled = 1))"
)
# From the last failure on: did anything that began later finish otherwise? Long before it there is nothing to look at.
_FAILING = (
    "EXISTS (SELECT 1 FROM runs f WHERE f.seq = (SELECT x.seq FROM runs x INDEXED BY runs_by_outcome "
    "WHERE x.process_id = p.id AND x.status = 'FAILED' AND x.status IN ('FAILED', 'SKIPPED') "
    "ORDER BY x.started_at DESC, x.seq DESC LIMIT 1) "
    "AND NOT EXISTS (SELECT 1 FROM runs y INDEXED BY runs_by_process WHERE y.process_id = p.id "
    "AND (y.started_at, y.seq) > (f.started_at, f.seq) AND y.status <> 'ACTIVE'))"
)
STATE = (
    f"CASE WHEN p.active > 0 AND {_LATE} THEN 'LATE' WHEN p.failed > 0 AND {_FAILING} THEN 'FAILING' "
    "WHEN p.active > 0 THEN 'RUNNING' ELSE 'OK' END"
)
"""The state of process `p`. The last finished run is the one that was started last."""

_COLUMNS = (
    "p.id, p.name, p.description, p.category, p.department, p.service, p.runbook_url, p.default_deadline, p.warn_at, "
    "p.heartbeat_timeout, p.auto_close, p.incident_per, p.created_at, p.updated_at, p.version, p.last_run_at, p.total, "
    "p.active, p.completed, p.failed, p.skipped, p.late"
)
_WIDTH = _COLUMNS.count(",") + 1


async def page(readers: Readers, namespace_id: int, given: ProcessFilter) -> Page[Process]:
    """Without percentiles, which only `get` reads. Processes that never ran come last when sorted by `last_run_at`."""
    column, down = split_sort(given.sort)
    start = read_position(given.cursor, given.sort, "s" if column == "name" else "ii")
    where = _condition(namespace_id, given)
    # A time that none has puts what never ran last, both ways.
    keys = ("p.name",) if column == "name" else (f"ifnull(p.last_run_at, {-1 if down else 2**62})", "p.id")
    shown = where
    if start is not None:
        marks = ", ".join("?" * len(keys))
        shown = every([where, Part(f"({', '.join(keys)}) {'<' if down else '>'} ({marks})", tuple(start))])
    order = ", ".join(f"{key} {'DESC' if down else 'ASC'}" for key in keys)
    rows = await readers.all(
        f"SELECT {_COLUMNS}, {STATE}, {', '.join(keys)} FROM processes p WHERE {shown.sql} ORDER BY {order} LIMIT ?",
        (*shown.params, given.limit + 1),
    )
    total = await readers.one(f"SELECT count(*) FROM processes p WHERE {where.sql}", where.params)
    recent = await _recent(readers, [row[0] for row in rows[: given.limit]])
    return make_page(
        Page[Process],
        rows,
        given.limit,
        given.sort,
        value=lambda row: _process(row, recent.get(row[0], [])),
        position=lambda row: list(row[_WIDTH + 1 :]),
        total=(total[0] if total is not None else 0, False),
    )


async def get(readers: Readers, namespace_id: int, name: str) -> Process:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {_COLUMNS}, {STATE} FROM processes p WHERE p.namespace_id = ? AND p.name = ?", (namespace_id, name)
    )
    if row is None:
        raise NotFound(f"There is no process {name}.")
    recent = await _recent(readers, [row[0]])
    durations = await readers.all(
        "SELECT duration FROM runs INDEXED BY runs_by_process WHERE process_id = ? AND status = 'COMPLETED' "
        "AND duration IS NOT NULL ORDER BY started_at DESC, seq DESC LIMIT ?",
        (row[0], SAMPLE),
    )
    return _process(row, recent.get(row[0], []), sorted(each[0] for each in durations))


def _condition(namespace_id: int, given: ProcessFilter) -> Part:
    terms = Terms(parse(given.q, PROCESS_FIELDS) if given.q else (), PROCESS_FIELDS, 0)
    words, without = terms.words()
    parts = [Part("p.namespace_id = ?", (namespace_id,))]
    states = meet(given.state or None, terms.choice("state"))
    for column, values in (
        ("p.department", given.department),
        ("p.category", given.category),
        ("p.service", given.service),
    ):
        parts += [one_of(column, values)] if values else []
    narrow, loose = terms.parts({field: f"p.{field}" for field in PROCESS_FIELDS})
    parts += narrow + loose
    parts += [_has(word) for word in (*words, *words_of(given.search or ""))]
    parts += [negate(_has(word)) for word in without]
    if states is not None:
        parts.append(one_of(f"({STATE})", states))
    return every(parts)


def _has(word: str) -> Part:
    columns = ("p.name", "p.description", "p.category")
    texts = [contains(f"ifnull({column}, '')", word) for column in columns]
    return Part(f"({' OR '.join(text.sql for text in texts)})", tuple(each for text in texts for each in text.params))


async def _recent(readers: Readers, ids: Sequence[int]) -> dict[int, list[Outcome]]:
    """The last runs of each process, newest first, in one query."""
    wanted = among("p.id", ids)
    rows = await readers.all(
        "SELECT p.id, r.uid, r.status, r.deadline_status, r.duration, r.started_at FROM processes p "
        "CROSS JOIN runs r ON r.seq IN (SELECT x.seq FROM runs x INDEXED BY runs_by_process "
        "WHERE x.process_id = p.id ORDER BY x.started_at DESC, x.seq DESC LIMIT ?) "
        f"WHERE {wanted.sql} ORDER BY r.started_at DESC, r.seq DESC",
        (RECENT, *wanted.params),
    )
    recent: dict[int, list[Outcome]] = {}
    for row in rows:
        outcome = Outcome.model_construct(
            uid=row[1],
            status=row[2],
            late=row[3] in {"MISSED", "COMPLETED_LATE"},
            duration=row[4],
            started_at=row[5],
        )
        recent.setdefault(row[0], []).append(outcome)
    return recent


def _process(row: Any, recent: list[Outcome], durations: Sequence[int] = ()) -> Process:
    """Of `_COLUMNS` and `STATE`; `durations` sorted."""
    completed, failed = row[18], row[19]
    counts = RunCounts.model_construct(
        total=row[16],
        active=row[17],
        completed=completed,
        failed=failed,
        skipped=row[20],
        late=row[21],
        success_rate=completed / (completed + failed) if completed + failed else None,
        p50=_percentile(durations, 50),
        p90=_percentile(durations, 90),
        p99=_percentile(durations, 99),
    )
    return Process.model_construct(
        name=row[1],
        state=ProcessState(row[22]),
        description=row[2],
        category=row[3],
        department=row[4],
        service=row[5],
        runbook_url=row[6],
        default_deadline=row[7],
        warn_at=row[8],
        heartbeat_timeout=row[9],
        auto_close=bool(row[10]),
        incident_per=row[11],
        created_at=row[12],
        updated_at=row[13],
        version=row[14],
        last_run_at=row[15],
        runs=counts,
        recent=recent,
    )


def _percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The least value that is not under `percent` of all."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None
