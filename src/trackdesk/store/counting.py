"""Finished runs counted by bucket and group, each part of the range from the coarsest thing that has it.

Closed days and hours come from roll-ups, the minutes of the hour that is not over from packs, the last minute from the
runs themselves, so that an answer is right to the last second. What was told too late to be in its roll-up, and is not
worked in yet, comes from the corrections.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from trackdesk.domain.buckets import cover
from trackdesk.domain.clock import DAY, MINUTE
from trackdesk.domain.tally import Tally
from trackdesk.store import rollup_reads as rollups
from trackdesk.store.ended import EndedReader, ended_from
from trackdesk.store.overdue import count_overdue, overdue_runs
from trackdesk.store.rollup_reads import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import aiosqlite

    from trackdesk.domain.buckets import Counted, Piece
    from trackdesk.domain.tally import Ended
    from trackdesk.store.ended import Which

MINUTES_KEPT: Final = 14 * DAY
"""µs for which there are minutes of all runs."""
_SHORT: Final = 10 * MINUTE
"""An open end no longer than this is read however many runs it has."""
_CHUNK: Final = 2000
"""Runs counted before the event loop gets its turn."""

Group: TypeAlias = Any
"""A hashable name of a group; None stands for everything."""
GroupsOf: TypeAlias = "Callable[[int, dict[str, str]], Iterable[Group]]"
"""In which groups a run counts, by its process id and tags."""


@dataclass(slots=True)
class Plan:
    """What is counted. `series` maps series to groups, None: every run is read by itself. `whole` is the series of
    everything, where a rest is wanted; `all_only` says that minutes can be had, too."""

    which: Which
    groups_of: GroupsOf
    series: dict[int, Group] | None = None
    whole: int | None = None
    all_only: bool = False


@dataclass(slots=True)
class Counting:
    """One question under way."""

    connection: aiosqlite.Connection
    plan: Plan
    bounds: Sequence[int]
    now: int
    cells: dict[tuple[int, Group], Tally] = field(default_factory=dict)
    """By number of the bucket, and group."""
    coarse: list[Piece] = field(default_factory=list)
    """What is read from rows, once it is known of which series."""
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
        for piece in cover(self.bounds, counted):
            if self._must_be_read(piece):
                await self._read(reader, piece)
            elif (rows := self._rows(piece)) is not None:
                self.coarse.append(rows)
            else:
                await self._unpack(piece)
        await self._correct(counted)
        if self.bounds[0] <= self.now < self.bounds[-1]:
            await self._add_overdue()

    async def count_coarse(self, ids: Iterable[int]) -> None:
        """The rows of these series, and of the whole."""
        groups = dict(self._groups(ids))
        ranges: dict[str, list[Range]] = {}
        for piece in self.coarse:
            ranges.setdefault(piece.kind, []).extend(self._ranges(piece))
        for kind, wanted in ranges.items():
            for series, bucket, tally in await rollups.tallies(self.connection, kind, groups, wanted):
                self.put(bucket, groups[series], tally)

    def put(self, bucket: int, group: Group, tally: Tally) -> None:
        """Count a tally, which is not used any more."""
        known = self.cells.get((bucket, group))
        if known is None:
            self.cells[bucket, group] = tally
        else:
            known.merge(tally)

    def _ranges(self, piece: Piece) -> Iterator[Range]:
        """The piece cut at the edges of the buckets."""
        bucket = bisect_right(self.bounds, piece.start) - 1
        while bucket < len(self.bounds) - 1 and self.bounds[bucket] < piece.end:
            start, end = max(piece.start, self.bounds[bucket]), min(piece.end, self.bounds[bucket + 1])
            yield Range(bucket, start, end)
            bucket += 1

    async def sums(self, counted: Counted) -> dict[Group, Tally]:
        """Over the whole range what each group has, without how durations are spread.

        Hours that an edge of a bucket cuts in two are counted twice: it is for telling which groups are large.
        """
        found: dict[Group, Tally] = {}
        for (_, group), tally in self.cells.items():
            found.setdefault(group, Tally()).merge(tally)
        if self.plan.series is not None:
            for whole in cover((self.bounds[0], self.bounds[-1]), counted):
                piece = None if self._must_be_read(whole) else self._rows(whole)
                if piece is not None:
                    sums = await rollups.sums(self.connection, piece.kind, self.plan.series, piece.start, piece.end)
                    for series, tally in sums.items():
                        found.setdefault(self.plan.series[series], Tally()).merge(tally)
        return found

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
        for process, tags in await overdue_runs(self.connection, which):
            for group in self.plan.groups_of(process, tags):
                self.cell(self.now, group).add_overdue()
