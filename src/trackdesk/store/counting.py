"""Finished runs counted by bucket and group, each part of the range from the coarsest thing that has it.

Closed days and hours come from roll-ups, the minutes of the hour that is not over from packs, the last minute from the
runs themselves, so that an answer is right to the last second. What was told too late to be in its roll-up, and is not
worked in yet, comes from the corrections.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from trackdesk.domain.buckets import cover, shares
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.tally import Tally
from trackdesk.store import rollup_reads as rollups
from trackdesk.store.ended import EndedReader, ended_from
from trackdesk.store.overdue import count_overdue, overdue_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import aiosqlite

    from trackdesk.domain.buckets import Counted, Piece
    from trackdesk.domain.tally import Ended, Flat
    from trackdesk.store.ended import Which

MINUTES_KEPT: Final = 14 * DAY
"""µs for which there are minutes of all runs."""
HOURS_KEPT: Final = 730 * DAY
TOTAL: Final = -1
"""In place of a bucket: the whole range."""
_LENGTHS: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}
_SHORT: Final = 10 * MINUTE
"""An open end no longer than this is read however many runs it has."""
_ROWS: Final = 2000
"""About so many are read at a time."""
_CHUNK: Final = 2000
"""Runs counted before the event loop gets its turn."""

Group: TypeAlias = Any
"""A hashable name of a group; None stands for everything."""
GroupsOf: TypeAlias = "Callable[[int, dict[str, str]], Iterable[Group]]"
"""In which groups a run counts, by its process id and tags."""
Key: TypeAlias = "tuple[int, Group]"
"""Number of a bucket, or TOTAL; and group."""
Column: TypeAlias = "list[Flat | Tally | None]"
"""By bucket; the last is the total."""
Places: TypeAlias = "dict[int, list[tuple[int, int]]]"
"""By the instant of a row, the buckets that it is part of, with 1 where it is added and -1 where it is taken out."""


@dataclass(slots=True)
class Plan:
    """What is counted. `series` maps series to groups, None: every run is read by itself. `whole` is the series of
    everything, where a rest is wanted; `all_only` says that minutes can be had, too; `tagged`: groups go by tags."""

    which: Which
    groups_of: GroupsOf
    series: dict[int, Group] | None = None
    whole: int | None = None
    all_only: bool = False
    tagged: bool = True


@dataclass(slots=True)
class Counting:
    """One question under way."""

    connection: aiosqlite.Connection
    plan: Plan
    bounds: Sequence[int]
    now: int
    cells: dict[Key, Tally] = field(default_factory=dict)
    """What is not from rows."""
    rows: dict[Group, list[Flat | None]] = field(default_factory=dict)
    """The first row of each bucket, at TOTAL that of the whole range; mostly there is one, which is all."""
    more: defaultdict[Key, list[Flat]] = field(default_factory=lambda: defaultdict(list))
    """The other rows."""
    less: defaultdict[Key, list[Flat]] = field(default_factory=lambda: defaultdict(list))
    """What is to be taken out again."""
    _places: dict[str, Places] = field(default_factory=dict)
    """Which rows are read, once it is known of which series."""
    _read_singly: list[tuple[int, int]] = field(default_factory=list)

    def cell(self, at: int, group: Group) -> Tally:
        """The tally of a group in the bucket that has the instant."""
        key = (bisect_right(self.bounds, at) - 1, group)
        tally = self.cells.get(key)
        if tally is None:
            tally = self.cells[key] = Tally()
        return tally

    async def count_fine(self, counted: Counted) -> None:
        """Everything but the coarse rows. Raises Invalid when too many runs would have to be read."""
        reader = EndedReader(self.connection, self.plan.which)
        coarse: list[Piece] = []
        for piece in cover(self.bounds, counted):
            if self._must_be_read(piece):
                await self._read(reader, piece)
            elif (rows := self._rows(piece)) is not None:
                coarse.append(rows)
            else:
                await self._unpack(piece)
        await self._correct(counted)
        if self.bounds[0] <= self.now < self.bounds[-1]:
            await self._add_overdue()
        for (_, group), tally in list(self.cells.items()):
            self.cells.setdefault((TOTAL, group), Tally()).merge(tally)
        self._place(coarse, counted.days_to)

    async def count_coarse(self, ids: Iterable[int]) -> None:
        """The rows of these series."""
        assert self.plan.series is not None, "rows are of series"
        await self._count_rows({each: self.plan.series[each] for each in ids})

    async def count_whole(self) -> None:
        """The rows of the whole, where there is one."""
        if self.plan.whole is not None:
            await self._count_rows({self.plan.whole: None})

    async def _count_rows(self, groups: dict[int, Group]) -> None:
        """By series. Some at a time, so that the next are read while these are counted."""
        for group in groups.values():
            self.rows.setdefault(group, [None] * len(self.bounds))
        reads, ids = [], list(groups)
        for kind, places in self._places.items():
            ranges = _joined((at, at + _LENGTHS[kind]) for at in sorted(places))
            step = _ROWS // len(places) + 1
            parts = (ids[begin : begin + step] for begin in range(0, len(ids), step))
            reads += [self._count_some({each: groups[each] for each in part}, kind, ranges) for part in parts]
        await asyncio.gather(*reads)

    async def _count_some(self, groups: dict[int, Group], kind: str, ranges: Sequence[tuple[int, int]]) -> None:
        places = self._places[kind]
        for series, flats in await rollups.flats(self.connection, kind, groups, ranges):
            self._put_rows(groups[series], flats, places)

    def _put_rows(self, group: Group, flats: Iterable[list[Any]], places: Places) -> None:
        column = self.rows[group]
        for flat in flats:
            for bucket, sign in places[flat.pop()]:
                if sign < 0:
                    self.less[bucket, group].append(flat)
                elif column[bucket] is None:
                    column[bucket] = flat
                else:
                    self.more[bucket, group].append(flat)

    def tally(self, key: Key) -> Tally:
        """All that was counted."""
        bucket, group = key
        first = self.rows[group][bucket] if group in self.rows else None
        tally = Tally.of_flats([*([] if first is None else [first]), *self.more.get(key, ())], self.less.get(key, ()))
        if key in self.cells:
            tally.merge(self.cells[key])
        return tally

    def columns(self, groups: Collection[Group] | None = None) -> dict[Group, Column]:
        """What the groups have by bucket, and at TOTAL; those without anything are missing."""
        found: dict[Group, Column] = {
            group: list(column) for group, column in self.rows.items() if groups is None or group in groups
        }
        for key in {*self.cells, *self.more, *self.less}:
            bucket, group = key
            if groups is None or group in groups:
                column = found.setdefault(group, [None] * len(self.bounds))
                column[bucket] = tally = self.tally(key)
                tally.sketch.packed()  # added up here, and not once more for each who takes it out of something
        return found

    def put(self, bucket: int, group: Group, tally: Tally) -> None:
        """Count a tally, which is not used any more."""
        known = self.cells.get((bucket, group))
        if known is None:
            self.cells[bucket, group] = tally
        else:
            known.merge(tally)

    def _place(self, coarse: Sequence[Piece], days_to: int) -> None:
        """Say which rows are read for which bucket. Where hours go far enough back, the total is of days."""
        hours_from = days_to - HOURS_KEPT
        minutes = [(piece.start, piece.end) for piece in coarse if piece.kind == "minute"]
        for bucket, start, end in chain.from_iterable(starmap(self._cut, minutes)):
            self._put_in("minute", start, end, 1, bucket, TOTAL)
        for begin, until in _joined((piece.start, piece.end) for piece in coarse if piece.kind != "minute"):
            kept = begin >= hours_from + DAY
            for share in shares(begin, until, days_to, hours_from) if kept else ():
                self._put_in(*share, TOTAL)
            for bucket, start, end in self._cut(begin, until):
                for share in shares(start, end, days_to, hours_from):
                    self._put_in(*share, *((bucket,) if kept else (bucket, TOTAL)))

    def _put_in(self, kind: str, start: int, end: int, sign: int, *buckets: int) -> None:
        places = self._places.setdefault(kind, {})
        for at in range(start, end, _LENGTHS[kind]):
            places.setdefault(at, []).extend([(bucket, sign) for bucket in buckets])

    def _cut(self, begin: int, until: int) -> Iterator[tuple[int, int, int]]:
        """(bucket, start, end): a piece cut at the edges of the buckets."""
        bucket = bisect_right(self.bounds, begin) - 1
        while bucket < len(self.bounds) - 1 and self.bounds[bucket] < until:
            yield bucket, max(begin, self.bounds[bucket]), min(until, self.bounds[bucket + 1])
            bucket += 1

    async def counts(self, counted: Counted) -> dict[Group, int]:
        """How many runs each group has over the whole range, as `sums` says."""
        found = Counter({group: tally.count for (bucket, group), tally in self.cells.items() if bucket == TOTAL})
        if (series := self.plan.series) is not None:
            for piece in self._pieces_of_all(counted):
                for each, count in await rollups.run_counts(
                    self.connection, piece.kind, series, piece.start, piece.end
                ):
                    found[series[each]] += count
        return found

    async def sums(self, counted: Counted) -> dict[Group, Tally]:
        """Over the whole range what each group has, without how durations are spread.

        Hours that an edge of a bucket cuts in two are counted twice: it is for telling which groups are large.
        """
        found: dict[Group, Tally] = {}
        for (bucket, group), tally in self.cells.items():
            if bucket == TOTAL:
                found.setdefault(group, Tally()).merge(tally)
        if self.plan.series is not None:
            for piece in self._pieces_of_all(counted):
                sums = await rollups.sums(self.connection, piece.kind, self.plan.series, piece.start, piece.end)
                for series, tally in sums.items():
                    found.setdefault(self.plan.series[series], Tally()).merge(tally)
        return found

    def _pieces_of_all(self, counted: Counted) -> Iterator[Piece]:
        """The rows that have the range as one."""
        for piece in cover((self.bounds[0], self.bounds[-1]), counted):
            rows = None if self._must_be_read(piece) else self._rows(piece)
            if rows is not None:
                yield rows

    def _groups(self, ids: Iterable[int]) -> Iterable[tuple[int, Group]]:
        assert self.plan.series is not None, "rows are of series"
        for series in ids:
            yield series, self.plan.series[series]
        if self.plan.whole is not None:
            yield self.plan.whole, None

    def _must_be_read(self, piece: Piece) -> bool:
        if self.plan.series is None or piece.kind == "open":
            return True
        kept = self.plan.all_only and piece.start >= self.now - MINUTES_KEPT + DAY
        return piece.kind == "minute" and not kept

    def _rows(self, piece: Piece) -> Piece | None:
        """The rows that have a piece; None where only packs do. Of all runs there are minutes as rows, too."""
        if piece.kind == "pack":
            return piece._replace(kind="minute") if self.plan.all_only else None
        return piece

    async def _read(self, reader: EndedReader, piece: Piece) -> None:
        self._read_singly.append((piece.start, piece.end))
        short = piece.kind == "open" and min(piece.end, self.now) - piece.start <= _SHORT
        bounded = self.plan.series is None or not short
        rows = await reader.read(piece.start, piece.end, bounded=bounded)
        for begin in range(0, len(rows), _CHUNK):
            for run in ended_from(rows[begin : begin + _CHUNK]):
                if self.plan.which.has(run):
                    self._add(run)
            await asyncio.sleep(0)

    def _add(self, run: Ended, sign: int = 1) -> None:
        for group in self.plan.groups_of(run.process_id, run.tags):
            self.cell(run.completed_at, group).add(run, sign)

    async def _unpack(self, piece: Piece) -> None:
        assert self.plan.series is not None, "else every run is read"
        groups = dict(self._groups(self.plan.series))
        for at, pack in await rollups.packs(self.connection, self.plan.which.namespace_id, piece.start, piece.end):
            for series, flat in pack.items():
                if series in groups:
                    self.put(bisect_right(self.bounds, at) - 1, groups[series], Tally.of_flat(flat))

    async def _correct(self, counted: Counted) -> None:
        """What was read singly is right already."""
        end = min(self.bounds[-1], counted.minutes_to)
        which = self.plan.which
        for sign, run in await rollups.corrections(self.connection, which.namespace_id, self.bounds[0], end):
            at = run.completed_at
            if which.has(run) and not any(start <= at < until for start, until in self._read_singly):
                self._add(run, sign)

    async def _add_overdue(self) -> None:
        which = self.plan.which
        if not which.tags and self.plan.all_only:
            self.cell(self.now, None).add_overdue(await count_overdue(self.connection, which))
            return
        counts: Counter[Group] = Counter()
        for process, tags, count in await overdue_runs(self.connection, which, tagged=self.plan.tagged):
            for group in self.plan.groups_of(process, tags):
                counts[group] += count
        for group, count in counts.items():
            self.cell(self.now, group).add_overdue(count)


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """[start, end) of what has no gap."""
    found: list[tuple[int, int]] = []
    for start, end in ranges:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
