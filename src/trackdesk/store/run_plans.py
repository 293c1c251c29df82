"""Which index serves which filter and sort of the runs, and what is refused because none does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from trackdesk.domain.errors import Invalid
from trackdesk.domain.run import RunStatus
from trackdesk.store.conditions import Part, among, between, every, negate, one_of
from trackdesk.store.keyset import Listed, Walk, at_most, split_sort
from trackdesk.store.rows import RUN_COLUMNS
from trackdesk.store.run_wanted import MOST_WALKS, By

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.readers import Readers
    from trackdesk.store.run_wanted import Wanted

FEW = 4000
"""So many rows are sorted rather than looked for along the index of their sort."""

_JOIN = "CROSS JOIN processes p ON p.id = r.process_id"
_DEADLINE_STATUSES: Final = frozenset({"WARNING", "MISSED", "COMPLETED_LATE"})
"""Those in their index; the others are what goes well, and most of their status."""
_OUTCOMES: Final = frozenset({RunStatus.FAILED, RunStatus.SKIPPED})
_TOO_WIDE = (
    "this would look at every run: add process, tag, status, deadline_status, service, category, a search "
    "or a time after which they started"
)

ALLOWED: Final[dict[tuple[By | None, str], str]] = {
    (By.STALLED, "started_at"): "runs_stalled",
    (By.TAG, "started_at"): "PRIMARY KEY",
    (By.PROCESS, "started_at"): "runs_by_process",
    (By.DEADLINE_STATUS, "started_at"): "runs_by_deadline_status",
    (By.SERVICE, "started_at"): "runs_by_start",
    (By.CATEGORY, "started_at"): "runs_by_start",
    (By.STATUS, "started_at"): "runs_by_status",
    (None, "started_at"): "runs_by_start",
    (None, "completed_at"): "runs_by_completion",
    (By.STATUS, "completed_at"): "runs_by_completion",
    (By.DEADLINE_STATUS, "completed_at"): "runs_by_completion",
    (By.SERVICE, "completed_at"): "runs_by_completion",
    (By.CATEGORY, "completed_at"): "runs_by_completion",
    (By.STATUS, "deadline"): "runs_by_deadline",
    (By.PROCESS, "duration"): "runs_by_duration",
}
"""(filter, sort) → index that is walked; `None`: all runs of a namespace. `id` and `search` find a bounded number of
runs, which any sort may sort. A filter that lets at most `FEW` rows through may be sorted by anything, too."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`values` are the rows whose sort column has a value, `nulls` come behind them; both go on by their own order.
    `counted` has both."""

    values: Listed
    counted: Listed
    nulls: Listed | None = None


async def plan_runs(readers: Readers, wanted: Wanted, sort: str) -> Plan:
    """Raises Invalid (`sort` or `q`), with a hint, when no index serves it."""
    column, descending = split_sort(sort)
    if column == "duration" and By.PROCESS not in wanted.residual:
        raise Invalid("sort", "duration is only sorted within a process: add process=, or sort by started_at")
    if column == "deadline" and set(wanted.statuses or ()) != {RunStatus.ACTIVE}:
        raise Invalid("sort", "deadline is only sorted among active runs: add status=ACTIVE, or sort by started_at")
    by, few = await _choose(readers, wanted, column)
    if by is None and wanted.narrow and wanted.started[0] is None:
        raise Invalid("q" if column == "started_at" else "sort", _TOO_WIDE)
    if column == "started_at":
        listed = (await _lasted(readers, wanted)) if by is None else None
        listed = replace(listed or _in_order_of_start(wanted, by), descending=descending)
        return Plan(listed, listed)
    values = few is not None and _few_values(wanted, few, column)
    nulls = few is not None and _few_nulls(wanted, few, column)
    return Plan(
        replace(values or _along(wanted, column), descending=descending),
        _in_order_of_start(wanted, by),
        replace(nulls or _along_nulls(wanted, column), descending=descending),
    )


async def _choose(readers: Readers, wanted: Wanted, column: str) -> tuple[By | None, By | None]:
    """The filter to walk by: the first that lets few rows through, else the first there is, statuses last. And that
    filter again when its rows are few."""
    ways = [(by, walks) for by in By if by in wanted.residual and (walks := _walks(wanted, by)) is not None]
    if not ways or (len(ways) == 1 and column == "started_at"):
        return (ways[0][0] if ways else None), None
    for by, walks in ways:
        if by is By.PROCESS and column == "duration":
            return by, None
        if await at_most(readers, walks, FEW):
            return by, by
    return ways[0][0], None


async def _lasted(readers: Readers, wanted: Wanted) -> Listed | None:
    """Two open ranges, of starts and of durations: by those that ended late enough to fit in both, or by those that
    took that long whenever it was, where either are few. Along the starts alone every run would be looked at."""
    if wanted.lasted is None:
        return None
    space = Part("r.namespace_id = ?", (wanted.namespace_id,))
    ways = [_long_walk(wanted.namespace_id, wanted.lasted)]
    if wanted.started[0] is not None:
        ended = Part("r.completed_at >= ?", (wanted.started[0] + wanted.lasted,))
        present = Part("r.completed_at IS NOT NULL")
        ways.insert(0, _walk("runs_by_completion", every([space, present, ended])))
    for walk in ways:
        if await at_most(readers, (walk,), FEW):
            return _listed(wanted, None, (walk,))
    return None


def _long_walk(namespace_id: int, lasted: int) -> Walk:
    """A seek in each process: durations are indexed below theirs."""
    source = "processes d CROSS JOIN runs r INDEXED BY runs_by_duration ON r.process_id = d.id"
    parts = (Part("d.namespace_id = ?", (namespace_id,)), Part("r.duration >= ?", (lasted,)))
    return Walk(source, every([*parts, Part("r.duration IS NOT NULL")]), ("r.started_at", "r.seq"))


def _in_order_of_start(wanted: Wanted, by: By | None) -> Listed:
    walks = _walks(wanted, by) if by is not None else None
    if by is None or walks is None:
        space = Part("r.namespace_id = ?", (wanted.namespace_id,))
        return _listed(wanted, None, (_walk("runs_by_start", space),))
    return _listed(wanted, by, walks)


def _listed(wanted: Wanted, served: By | None, walks: Sequence[Walk], *more: Part) -> Listed:
    """`served`: the filter that the walks take care of, or the first part of it."""
    residual = [part for by, parts in wanted.residual.items() if by is not served or len(parts) > 1 for part in parts]
    started = "t.started_at" if served is By.TAG else "r.started_at"
    within = (*between(started, *wanted.started), *more)
    return Listed(RUN_COLUMNS, tuple(walks), _JOIN, within, (*residual, *wanted.narrow, *wanted.loose))


def _walk(index: str, where: Part, order: tuple[str, ...] = ("r.started_at", "r.seq")) -> Walk:
    return Walk(f"runs r INDEXED BY {index}", where, order)


def _walks(wanted: Wanted, by: By) -> tuple[Walk, ...] | None:
    """The rows of one filter in the order of their start; None when it can't be walked, or has too many values."""
    space = Part("r.namespace_id = ?", (wanted.namespace_id,))
    if by is By.ID:
        return (_found_walk(space, wanted.seqs or ()),)
    if by is By.STALLED:
        return (_walk("runs_stalled", every([space, Part("r.stalled = 1")])),)
    if by is By.PROCESS:
        return _process_walks(wanted)
    if by is By.SEARCH:
        return _search_walks(wanted, space)
    if by is By.TAG:
        return _tag_walks(wanted)
    if by is By.DEADLINE_STATUS:
        return _deadline_walks(wanted, space)
    if by is By.STATUS:
        return _each("runs_by_status", space, "r.status", wanted.statuses)
    return None  # service and category are read from the index of the sort


def _each(index: str, space: Part, column: str, values: Sequence[str] | None) -> tuple[Walk, ...]:
    return tuple(_walk(index, every([space, one_of(column, [value])])) for value in values or ())


def _found_walk(space: Part, seqs: Sequence[int]) -> Walk:
    return Walk("runs r", every([among("r.seq", seqs), Part(f"+{space.sql}", space.params)]), ("r.started_at", "r.seq"))


def _process_walks(wanted: Wanted) -> tuple[Walk, ...] | None:
    ids = wanted.processes or ()
    outcomes = wanted.statuses if wanted.statuses and set(wanted.statuses) <= _OUTCOMES else None
    if len(ids) * len(outcomes or (1,)) > MOST_WALKS:
        return None
    if outcomes is None:
        return tuple(_walk("runs_by_process", one_of("r.process_id", [each])) for each in ids)
    in_index = Part("r.status IN ('FAILED', 'SKIPPED')")
    return tuple(
        _walk("runs_by_outcome", every([one_of("r.process_id", [each]), one_of("r.status", [status]), in_index]))
        for each in ids
        for status in outcomes
    )


def _search_walks(wanted: Wanted, space: Part) -> tuple[Walk, ...] | None:
    """By the word that is found in the fewest processes; the others are looked for in its rows."""
    found = min(wanted.found, key=lambda each: len(each.processes))
    if len(found.processes) > MOST_WALKS:
        return None
    single = _found_walk(space, found.seqs)
    if found.processes:
        elsewhere = negate(among("r.process_id", found.processes))
        single = replace(single, where=every([single.where, elsewhere]))
    return (single, *(_walk("runs_by_process", one_of("r.process_id", [each])) for each in found.processes))


def _tag_walks(wanted: Wanted) -> tuple[Walk, ...] | None:
    ids = wanted.tags[0]
    if len(ids) > MOST_WALKS:
        return None
    source, order = "run_tags t CROSS JOIN runs r ON r.seq = t.run_seq", ("t.started_at", "t.run_seq")
    return tuple(Walk(source, one_of("t.tag_id", [each]), order, lean="run_tags t") for each in ids)


def _deadline_walks(wanted: Wanted, space: Part) -> tuple[Walk, ...] | None:
    values = wanted.deadline_statuses or ()
    if not set(values) <= _DEADLINE_STATUSES:
        return None
    in_index = Part("r.deadline_status IS NOT NULL AND r.deadline_status NOT IN ('ON_TRACK', 'COMPLETED_ON_TIME')")
    return tuple(
        _walk(
            "runs_by_deadline_status",
            every([space, one_of("r.deadline_status", [value]), one_of("r.status", [status]), in_index]),
        )
        for value in values
        for status in wanted.statuses or ()
        if (value == "COMPLETED_LATE") == (status == RunStatus.COMPLETED)
    )


def _few_values(wanted: Wanted, by: By, column: str) -> Listed:
    order = (f"r.{column}", "r.seq")
    walks = [replace(walk, order=order, lean="") for walk in _walks(wanted, by) or ()]
    return _listed(wanted, by, walks, Part(f"r.{column} IS NOT NULL"))


def _few_nulls(wanted: Wanted, by: By, column: str) -> Listed:
    walks = tuple(replace(walk, lean="") for walk in _walks(wanted, by) or ())
    if column == "deadline":  # the order that its index has, so that a cursor fits both ways
        walks = tuple(replace(walk, order=("r.seq",)) for walk in walks)
    return _listed(wanted, by, walks, Part(f"r.{column} IS NULL"))


def _along(wanted: Wanted, column: str) -> Listed:
    """All rows that the index of the sort has, the filters checked one by one."""
    space = Part("r.namespace_id = ?", (wanted.namespace_id,))
    order, present = (f"r.{column}", "r.seq"), Part(f"r.{column} IS NOT NULL")
    if column == "duration":
        each = (every([one_of("r.process_id", [process]), present]) for process in _few_processes(wanted))
        return _listed(wanted, By.PROCESS, [_walk("runs_by_duration", where, order) for where in each])
    if column == "deadline":
        where = every([space, Part("r.status = 'ACTIVE'"), present])
        return _listed(wanted, By.STATUS, [_walk("runs_by_deadline", where, order)])
    if set(wanted.statuses or ()) == {RunStatus.ACTIVE}:
        return _listed(wanted, None, ())
    return _listed(wanted, None, [_walk("runs_by_completion", every([space, present]), order)])


def _along_nulls(wanted: Wanted, column: str) -> Listed:
    """What has no value: active runs, as far as `completed_at` and `duration` go."""
    space, active = Part("r.namespace_id = ?", (wanted.namespace_id,)), Part("r.status = 'ACTIVE'")
    if column == "duration":
        each = (every([one_of("r.process_id", [process]), active]) for process in _few_processes(wanted))
        return _listed(wanted, By.PROCESS, [_walk("runs_active_by_key", where) for where in each])
    if column == "deadline":
        where = every([space, active, Part("r.deadline IS NULL")])
        return _listed(wanted, By.STATUS, [_walk("runs_by_deadline", where, ("r.seq",))])
    if wanted.statuses is not None and RunStatus.ACTIVE not in wanted.statuses:
        return _listed(wanted, None, ())
    return _listed(wanted, None, [_walk("runs_by_status", every([space, active]))])


def _few_processes(wanted: Wanted) -> tuple[int, ...]:
    processes = wanted.processes or ()
    if len(processes) > MOST_WALKS:
        raise Invalid("sort", f"duration is sorted over at most {MOST_WALKS} processes at once: name fewer")
    return processes
