"""Finished runs over time, as /v1/runs/stats answers it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from trackdesk.domain.analytics import BucketRows, Stats, StatsMeta
from trackdesk.domain.buckets import edges, usual_size
from trackdesk.domain.clock import DAY
from trackdesk.domain.errors import Invalid
from trackdesk.domain.filters import tag_pair
from trackdesk.domain.instant import format_instant, within
from trackdesk.domain.tally import Tally
from trackdesk.store import rollup_reads as rollups
from trackdesk.store.counting import TOTAL, Counting, Plan
from trackdesk.store.ended import Which
from trackdesk.store.figures import bucket_row, figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiosqlite

    from trackdesk.domain.analytics import StatsFilter, StatsRange
    from trackdesk.domain.buckets import Counted
    from trackdesk.domain.tally import Flat
    from trackdesk.store.counting import Column, Group, GroupsOf
    from trackdesk.store.readers import Readers

MOST_CELLS = 10_000
"""Rows of an answer: buckets times groups."""


async def run_stats(readers: Readers, namespace_id: int, given: StatsFilter, now: int) -> Stats:
    """`now` µs. Raises Invalid (`from`, `to`, `bucket`, `tag_key`)."""
    if (given.group_by == "tag") != (given.tag_key is not None):
        raise Invalid("tag_key", "goes together with group_by=tag: name the tag whose values are the groups")
    bounds, size = _bounds(given, now)
    async with readers.connection() as connection:
        await connection.execute_fetchall("BEGIN")
        counted = await rollups.counted(connection, namespace_id)
        which = await which_runs(connection, namespace_id, given, given.tag)
        plan = await _plan(connection, which, given, counted)
        counting = Counting(connection, plan, bounds, now)
        await counting.count_fine(counted)
        top, found = await _count_groups(counting, counted, given.groups)
        names = await _names(connection, given, top)
        capped = given.tag_key is not None and given.tag_key in await rollups.full_keys(connection, namespace_id)
        await connection.execute_fetchall("ROLLBACK")
    data, totals = _answer(counting, given, top, names)
    meta = StatsMeta.model_construct(
        from_=bounds[0],
        to=bounds[-1],
        bucket=size,
        timezone=given.timezone,
        group_by=given.group_by,
        tag_key=given.tag_key,
        groups=found,
        groups_capped=capped and plan.series is not None,
        totals=totals,
    )
    return Stats.model_construct(data=data, meta=meta)


def window(given: StatsRange, now: int) -> tuple[int, int]:
    """From when to when, µs: [start, end); a day up to and with now. Raises Invalid."""
    end = now + 1 if given.to is None else given.to
    start = max(end - 1 - DAY, 0) if given.from_ is None else given.from_
    if start >= end:
        raise Invalid("from", "expected a time before `to`, which is now when absent")
    return start, end


async def which_runs(
    connection: aiosqlite.Connection, namespace_id: int, given: StatsRange, tags: Sequence[str]
) -> Which:
    """The runs asked for; processes that nobody knows have none."""
    processes: tuple[int, ...] | None = None
    if given.process:
        marks = ", ".join("?" * len(given.process))
        rows = await rollups.fetch(
            connection,
            f"SELECT id FROM processes WHERE namespace_id = ? AND name IN ({marks})",
            namespace_id,
            *given.process,
        )
        processes = tuple(row[0] for row in rows)
    return Which(namespace_id, processes, tuple(tag_pair(tag) for tag in tags))


def _bounds(given: StatsFilter, now: int) -> tuple[list[int], int]:
    start, end = window(given, now)
    size = given.bucket or usual_size(end - start)
    try:
        bounds = edges(start, end, size, ZoneInfo(given.timezone))
        within(bounds[-1], given.to)
    except (ValueError, OverflowError) as error:
        raise Invalid("bucket", str(error)) from None
    groups = 1 if given.group_by == "none" else given.groups + 1
    if (len(bounds) - 1) * groups > MOST_CELLS:
        raise Invalid(
            "bucket",
            f"{len(bounds) - 1} buckets for up to {given.groups} groups are too many (at most {MOST_CELLS} rows): "
            "take longer buckets, a shorter range or fewer groups",
        )
    return bounds, size


async def _plan(connection: aiosqlite.Connection, which: Which, given: StatsFilter, counted: Counted) -> Plan:
    """From which roll-ups, if any have it."""
    space = which.namespace_id
    grouped, key = given.group_by, given.tag_key
    wants_rest = which.all
    groups_of: GroupsOf
    if grouped == "process":
        groups_of = _processes_and_all if wants_rest else _processes
    elif grouped == "tag":
        assert key is not None, "checked before"
        groups_of = _values(key, with_all=wants_rest)
    else:
        groups_of = _everything
    plan = Plan(which, groups_of, tagged=grouped == "tag")
    if not counted.minutes_to:
        return plan
    if grouped == "tag":
        if which.all and key is not None:
            values = await rollups.series(connection, space, "tag", keys=[key])
            plan.series = {each.id: each.value for each in values}
            whole = await rollups.series(connection, space, "key", keys=[key])
            plan.whole = whole[0].id if whole else None
            if len(values) >= rollups.MOST_VALUES:
                plan.groups_of = _values(key, with_all=True, known=frozenset(plan.series.values()))
    elif not which.tags:
        kind = "process" if grouped == "process" or which.processes is not None else "all"
        found = await rollups.series(connection, space, kind, processes=which.processes)
        plan.series = {each.id: each.process_id if grouped == "process" else None for each in found}
        plan.all_only = kind == "all"
        if grouped == "process" and which.all:
            plan.whole = (await rollups.series(connection, space, "all"))[0].id
    elif len(which.tags) == 1 and which.processes is None and grouped == "none":
        tag_key, value = which.tags[0]
        found = await rollups.series(connection, space, "tag", keys=[tag_key], value=value)
        if found or tag_key not in await rollups.full_keys(connection, space):
            plan.series = {each.id: None for each in found}
    return plan


def _everything(_process: int, _tags: dict[str, str]) -> tuple[Group, ...]:
    return (None,)


def _processes(process: int, _tags: dict[str, str]) -> tuple[Group, ...]:
    return (process,)


def _processes_and_all(process: int, _tags: dict[str, str]) -> tuple[Group, ...]:
    return (process, None)


def _values(key: str, *, with_all: bool, known: frozenset[str] | None = None) -> GroupsOf:
    """By the value of a tag; runs without it are in no group."""

    def groups_of(_process: int, tags: dict[str, str]) -> tuple[Group, ...]:
        value = tags.get(key)
        if value is None:
            return ()
        own = (value,) if known is None or value in known else ()
        return (*own, None) if with_all else own

    return groups_of


async def _count_groups(counting: Counting, counted: Counted, most: int) -> tuple[list[Group], int]:
    """Counts everything; gives the groups with the most runs, and how many have any."""
    plan = counting.plan
    if plan.groups_of is _everything:
        if plan.series is not None:
            await counting.count_coarse(plan.series)
        return [], 0
    counts, _ = await asyncio.gather(counting.counts(counted), counting.count_whole())
    counts.pop(None, None)
    ranked = sorted((group for group, count in counts.items() if count > 0), key=lambda g: (-counts[g], str(g)))
    top = ranked[:most]
    if plan.series is not None:
        wanted = set(top) if plan.whole is not None else set(ranked)
        await counting.count_coarse([series for series, group in plan.series.items() if group in wanted])
    return top, len(ranked)


def _columns(counting: Counting, top: Sequence[Group]) -> list[Column]:
    """Of each group of `top`, and of the rest."""
    columns = counting.columns({*top, None})
    whole = columns.pop(None, None)
    if whole is None:
        columns = counting.columns()
    nothing: Column = [None] * len(counting.bounds)
    shown = [columns.pop(group, nothing) for group in top]
    if whole is None:
        rest: Column = [_together(each) for each in zip(*columns.values(), strict=True)]
    else:
        rest = [_together([each], less) if each else None for each, *less in zip(whole, *shown, strict=True)]
    return [*shown, rest or nothing]


def _together(some: Sequence[Flat | Tally | None], less: Sequence[Flat | Tally | None] = ()) -> Tally:
    """All of `some` without those of `less`."""
    tally = Tally.of_flats(*([each for each in part if each and not isinstance(each, Tally)] for part in (some, less)))
    for part, sign in ((some, 1), (less, -1)):
        for each in part:
            if isinstance(each, Tally):
                tally.merge(each, sign)
    return tally


async def _names(connection: aiosqlite.Connection, given: StatsFilter, top: Sequence[Group]) -> dict[Group, str]:
    if given.group_by != "process":
        return {group: group for group in top}
    marks = ", ".join("?" * len(top))
    rows = await rollups.fetch(connection, f"SELECT id, name FROM processes WHERE id IN ({marks})", *top)
    return {process: f"(deleted {process})" for process in top} | {row[0]: row[1] for row in rows}


def _answer(counting: Counting, given: StatsFilter, top: Sequence[Group], names: dict[Group, str]) -> Any:
    """The rows by time and rank of the group, and the totals by rank."""
    grouped, histogram = given.group_by != "none", given.histogram
    groups: list[tuple[str | None, bool]] = [*((names[group], False) for group in top), (None, grouped)]
    columns = _columns(counting, top) if grouped else [*counting.columns().values()] or [[None] * len(counting.bounds)]
    nothing = Tally().flat()
    named = [(*group, column) for group, column in zip(groups, columns, strict=True)]
    data = []
    for bucket, at in enumerate(counting.bounds[:-1]):
        time = format_instant(at)
        for name, rest, column in named:
            cell = column[bucket]
            if cell or not grouped:
                row = bucket_row(time, cell or nothing, name, rest=rest, histogram=histogram)
                if row["count"] > 0 or not grouped:
                    data.append(row)
    totals = []
    for name, rest, column in named:
        tally = _together([column[TOTAL]])
        if not rest or tally.count > 0:
            totals.append(figures(tally, name, rest=rest, histogram=histogram))
    return BucketRows(data), totals
