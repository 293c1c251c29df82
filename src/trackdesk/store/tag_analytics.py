"""Which tag values hold the problems, as /v1/tags answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.analytics import TagFigures, TagStats, TagStatsMeta
from trackdesk.store import rollup_reads as rollups
from trackdesk.store.analytics import which_runs, window
from trackdesk.store.counting import Counting, Plan
from trackdesk.store.figures import average, percent

if TYPE_CHECKING:
    from collections.abc import Collection

    import aiosqlite

    from trackdesk.domain.analytics import TagStatsFilter
    from trackdesk.domain.buckets import Counted
    from trackdesk.domain.tally import Tally
    from trackdesk.store.counting import Group
    from trackdesk.store.ended import Which
    from trackdesk.store.readers import Readers


async def tag_stats(readers: Readers, namespace_id: int, given: TagStatsFilter, now: int) -> TagStats:
    """`now` µs. Raises Invalid (`from`)."""
    bounds = start, end = window(given, now)
    async with readers.connection() as connection:
        await connection.execute_fetchall("BEGIN")
        counted = await rollups.counted(connection, namespace_id)
        which = await which_runs(connection, namespace_id, given, ())
        full = await rollups.full_keys(connection, namespace_id)
        plan = await _plan(connection, which, given.key or None, counted, full)
        counting = Counting(connection, plan, bounds, now)
        await counting.count_fine(counted)
        sums = await counting.sums(counted)
        await counting.count_whole()
        whole = counting.tally((0, None))
        rows = [(group, tally) for group, tally in sums.items() if group is not None and tally.count > 0]
        rows.sort(key=lambda row: _rank(row[0], row[1], whole))
        shown = {group for group, _ in rows[: given.limit]}
        if plan.series is not None:
            await counting.count_coarse([each for each, group in plan.series.items() if group in shown])
        await connection.execute_fetchall("ROLLBACK")
    return TagStats.model_construct(
        data=[_figures(group, counting.tally((0, group)), whole) for group, _ in rows[: given.limit]],
        meta=TagStatsMeta.model_construct(
            from_=start,
            to=end,
            count=whole.count,
            problems=whole.problems,
            total=len(rows),
            capped=sorted(full & set(given.key) if given.key else full) if plan.series is not None else [],
        ),
    )


async def _plan(
    connection: aiosqlite.Connection,
    which: Which,
    keys: Collection[str] | None,
    counted: Counted,
    full: Collection[str],
) -> Plan:
    plan = Plan(which, _Tags(keys))
    if counted.minutes_to and which.all:
        found = await rollups.series(connection, which.namespace_id, "tag", keys=keys)
        plan.series = {each.id: (each.key, each.value) for each in found}
        plan.whole = (await rollups.series(connection, which.namespace_id, "all"))[0].id
        if full:
            plan.groups_of = _Tags(keys, full, frozenset(plan.series.values()))
    return plan


class _Tags:
    """Every tag of a run, and everything."""

    def __init__(
        self,
        keys: Collection[str] | None,
        full: Collection[str] = (),
        known: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self._keys = keys
        self._full = full
        self._known = known

    def __call__(self, _process: int, tags: dict[str, str]) -> list[Group]:
        return [None, *(pair for pair in tags.items() if self._counts(pair))]

    def _counts(self, pair: tuple[str, str]) -> bool:
        wanted = self._keys is None or pair[0] in self._keys
        return wanted and (pair[0] not in self._full or pair in self._known)


def _rank(group: Group, tally: Tally, whole: Tally) -> tuple[int, float, int, str]:
    """Most problems first, of as many the greater lift, then the fewer runs."""
    return -tally.problems, -(_lift(tally, whole) or 0.0), tally.count, str(group)


def _lift(tally: Tally, whole: Tally) -> float | None:
    others, problems = whole.count - tally.count, whole.problems - tally.problems
    if others <= 0 or problems <= 0 or not tally.count:
        return None
    return round(tally.problems / tally.count / (problems / others), 2)


def _figures(group: Group, tally: Tally, whole: Tally) -> TagFigures:
    p50, p90, p99 = tally.sketch.quantiles((50, 90, 99))
    return TagFigures.trusted(
        key=group[0],
        value=group[1],
        count=tally.count,
        missed=tally.missed,
        failed=tally.failed,
        problems=tally.problems,
        problem_percent=percent(tally.problems, tally.count),
        share=percent(tally.problems, whole.problems),
        lift=_lift(tally, whole),
        avg=average(tally),
        p50=p50,
        p90=p90,
        p99=p99,
    )
