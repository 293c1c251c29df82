"""Reading processes: their settings, their state and how their last runs went."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.domain.page import Page
from trackdesk.domain.process import Outcome, Process, ProcessState, RunCounts
from trackdesk.domain.q import parse
from trackdesk.domain.q_fields import PROCESS_FIELDS
from trackdesk.domain.run import RunStatus
from trackdesk.domain.schedule import unpack
from trackdesk.domain.unusual import unusual
from trackdesk.store.conditions import Part, Terms, among, contains, every, meet, negate, one_of, words_of
from trackdesk.store.keyset import make_page, read_position, split_sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.filters import ProcessFilter
    from trackdesk.domain.schedule import Schedule
    from trackdesk.store.readers import Readers

RECENT = 20
_WAS_LATE = frozenset({"MISSED", "COMPLETED_LATE"})

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
    "CASE WHEN p.paused_at IS NOT NULL THEN 'PAUSED' WHEN p.missing_since IS NOT NULL THEN 'MISSING' "
    f"WHEN p.active > 0 AND {_LATE} THEN 'LATE' WHEN p.failed > 0 AND {_FAILING} THEN 'FAILING' "
    "WHEN p.active > 0 THEN 'RUNNING' ELSE 'OK' END"
)
"""The state of process `p`. The last finished run is the one that was started last."""

_COLUMNS = (
    "p.id, p.name, p.description, p.category, p.department, p.service, p.runbook_url, p.default_deadline, p.warn_at, "
    "p.heartbeat_timeout, p.auto_close, p.incident_per, p.created_at, p.updated_at, p.version, p.last_run_at, p.total, "
    "p.active, p.completed, p.failed, p.skipped, p.late, p.schedule, p.grace, p.alert_after_failures, p.retention, "
    "p.expected_at, p.missing_since, p.blind_at, p.paused_at, p.paused_until, p.paused_by, p.pause_reason, "
    "p.ping_uuid, p.p50, p.p90, p.p99"
)
_WIDTH = _COLUMNS.count(",") + 1


_SORTS = {"last_run_at": "p.last_run_at", "next_expected_at": "p.expected_at"}


async def page(readers: Readers, namespace_id: int, given: ProcessFilter, now: int) -> Page[Process]:
    """`now` µs. Sorted by a time, processes that have none (never ran, nothing expected) come last."""
    column, down = split_sort(given.sort)
    start = read_position(given.cursor, given.sort, "s" if column == "name" else "ii")
    where = _condition(namespace_id, given, now)
    # A time that none has puts what has no time last, both ways.
    keys = ("p.name",) if column == "name" else (f"ifnull({_SORTS[column]}, {-1 if down else 2**62})", "p.id")
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
        value=lambda row: _process(row, recent.get(row[0], "[]")),
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
    return _process(row, recent.get(row[0], "[]"))


_FIELD_COLUMNS = {"expected": "p.expected_at", "ran": "p.last_run_at"}


def _condition(namespace_id: int, given: ProcessFilter, now: int) -> Part:
    terms = Terms(parse(given.q, PROCESS_FIELDS) if given.q else (), PROCESS_FIELDS, now)
    words, without = terms.words()
    parts = [Part("p.namespace_id = ?", (namespace_id,))]
    states = meet(given.state or None, terms.choice("state"))
    for column, values in (
        ("p.department", given.department),
        ("p.category", given.category),
        ("p.service", given.service),
    ):
        parts += [one_of(column, values)] if values else []
    narrow, loose = terms.parts({field: _FIELD_COLUMNS.get(field, f"p.{field}") for field in PROCESS_FIELDS})
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


async def _recent(readers: Readers, ids: Sequence[int]) -> dict[int, str]:
    """The last runs of each process, newest first, as JSON: a text each passes between threads at less cost than
    their many values."""
    wanted = among("p.id", ids)
    rows = await readers.all(
        "SELECT p.id, (SELECT json_group_array(json_array(l.uid, l.status, l.deadline_status, l.duration, "
        "l.started_at)) FROM (SELECT * FROM runs r INDEXED BY runs_by_process WHERE r.process_id = p.id "
        f"ORDER BY r.started_at DESC, r.seq DESC LIMIT ?) l) FROM processes p WHERE {wanted.sql}",
        (RECENT, *wanted.params),
    )
    return {row[0]: row[1] for row in rows}


@lru_cache(maxsize=512)
def _told(text: str, schedule: str | None, p99: int | None) -> tuple[list[Outcome], list[str]]:
    """What `_recent` gave for a process, with what is unusual about each run and about the last ones. Lists ask again
    and again while most processes stay as they are; all of it follows from what is given."""
    recent = [
        Outcome.trusted(
            uid=uid,
            status=status,
            late=deadline_status in _WAS_LATE,
            duration=duration,
            started_at=started_at,
            unusual=None,
        )
        for uid, status, deadline_status, duration, started_at in orjson.loads(text)
    ]
    recent = _marked(recent, None if schedule is None else unpack(schedule), p99)
    return recent, _unusual_now(recent)


def _process(row: Any, recent_text: str) -> Process:
    """Of `_COLUMNS` and `STATE`, and what `_recent` has for it."""
    completed, failed = row[18], row[19]
    counts = RunCounts.trusted(
        total=row[16],
        active=row[17],
        completed=completed,
        failed=failed,
        skipped=row[20],
        late=row[21],
        success_rate=completed / (completed + failed) if completed + failed else None,
        p50=row[34],
        p90=row[35],
        p99=row[36],
    )
    recent, unusual_now = _told(recent_text, row[22], counts.p99)
    return Process.trusted(
        name=row[1],
        state=ProcessState(row[_WIDTH]),
        description=row[2],
        category=row[3],
        department=row[4],
        service=row[5],
        runbook_url=row[6],
        schedule=None if row[22] is None else unpack(row[22]),
        grace=row[23],
        default_deadline=row[7],
        warn_at=row[8],
        heartbeat_timeout=row[9],
        alert_after_failures=row[24],
        auto_close=bool(row[10]),
        incident_per=row[11],
        retention=row[25],
        created_at=row[12],
        updated_at=row[13],
        version=row[14],
        last_run_at=row[15],
        next_expected_at=row[26],
        missing_since=row[27],
        blind_at=row[28],
        paused_at=row[29],
        paused_until=row[30],
        paused_by=row[31],
        pause_reason=row[32],
        ping_uuid=row[33],
        runs=counts,
        last_run=recent[0] if recent else None,
        recent=[*recent],
        unusual=[*unusual_now],
    )


def _marked(recent: list[Outcome], schedule: Schedule | None, p99: int | None) -> list[Outcome]:
    """With what is unusual about each."""
    odd = unusual(recent, schedule, p99)
    if not any(odd):
        return recent
    return [
        run if what is None else run.model_copy(update={"unusual": what}) for run, what in zip(recent, odd, strict=True)
    ]


def _unusual_now(recent: Sequence[Outcome]) -> list[str]:
    ended = next((run for run in recent if run.status != RunStatus.ACTIVE), None)
    last = [run for run in (*recent[:1], ended) if run is not None and run.unusual is not None]
    return list(dict.fromkeys(str(run.unusual) for run in last))
