"""What a caller wants of the runs: filters and `q=` together, with names looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from trackdesk.domain.filters import tag_pair
from trackdesk.domain.q import Op, Term, parse
from trackdesk.domain.q_fields import RUN_FIELDS
from trackdesk.domain.run import DeadlineStatus, RunStatus
from trackdesk.store.conditions import (
    Part,
    Terms,
    among,
    begins,
    between,
    contains,
    either,
    every,
    full_text,
    meet,
    negate,
    newest_found,
    one_of,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.filters import RunFilter
    from trackdesk.store.readers import Readers

MOST_WALKS = 50
"""More values than this are checked row by row instead of being walked one by one."""
MOST_FOUND = 1000
"""How many runs a search finds by their error, newest first, and how many by their id, the last in the order of ids
first: those that are made begin with the time."""

_COLUMNS = {
    "id": "r.id",
    "category": "r.category",
    "service": "r.service",
    "started": "r.started_at",
    "due": "r.deadline",
    "duration": "r.duration",
    "stalled": "r.stalled",
    "attempt": "r.attempt",
}
_AT_LEAST = frozenset({Op.MORE, Op.AT_LEAST})
_UNFINISHED = frozenset({RunStatus.ACTIVE, RunStatus.FAILED, RunStatus.SKIPPED})
_STATUSES_OF = {
    DeadlineStatus.ON_TRACK: _UNFINISHED,
    DeadlineStatus.WARNING: _UNFINISHED,
    DeadlineStatus.MISSED: _UNFINISHED,
    DeadlineStatus.COMPLETED_ON_TIME: frozenset({RunStatus.COMPLETED}),
    DeadlineStatus.COMPLETED_LATE: frozenset({RunStatus.COMPLETED}),
}
"""Only a COMPLETED run has proved something about its deadline."""


class By(StrEnum):
    """A filter that names which rows to look at."""

    ID = "id"
    STALLED = "stalled"
    TAG = "tag"
    PROCESS = "process"
    SEARCH = "search"
    DEADLINE_STATUS = "deadline_status"
    SERVICE = "service"
    CATEGORY = "category"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a word was found: in the names of processes, and in the ids and errors of single runs."""

    processes: tuple[int, ...]
    seqs: tuple[int, ...]
    cut: bool
    """There are more."""

    @property
    def part(self) -> Part:
        return either([among("r.process_id", self.processes), among("r.seq", self.seqs)])


@dataclass(slots=True)
class Wanted:
    """`nothing` says that some name is unknown, so that the list is empty. `residual` has the condition of each filter
    for rows that were reached by another one."""

    namespace_id: int
    nothing: bool = False
    residual: dict[By, list[Part]] = field(default_factory=dict)
    processes: tuple[int, ...] | None = None
    tags: list[tuple[int, ...]] = field(default_factory=list)
    statuses: tuple[str, ...] | None = None
    deadline_statuses: tuple[str, ...] | None = None
    seqs: tuple[int, ...] | None = None
    stalled: bool = False
    found: list[Found] = field(default_factory=list)
    started: tuple[int | None, int | None] = (None, None)
    lasted: int | None = None
    """The least duration (µs) that a run may have."""
    narrow: list[Part] = field(default_factory=list)
    """Conditions without an index that may let few rows through."""
    loose: list[Part] = field(default_factory=list)
    """Conditions that let most rows through."""


async def wanted_runs(readers: Readers, namespace_id: int, given: RunFilter, now: int) -> Wanted:
    """Raises Invalid for a `q` that can't be read."""
    terms = Terms(parse(given.q, RUN_FIELDS) if given.q else (), RUN_FIELDS, now)
    wanted = Wanted(namespace_id)
    unwanted = _read_words(wanted, terms, given)
    _read_times(wanted, terms, given, now)
    _read_statuses(wanted, terms, given)
    _read_labels(wanted, terms, given)
    await _find_processes(readers, wanted, terms, given)
    await _find_tags(readers, wanted, terms, given)
    await _find_ids(readers, wanted, terms, given)
    narrow, loose = terms.parts(_COLUMNS)
    wanted.narrow += narrow
    wanted.loose += loose
    for word in unwanted[0]:
        found = await _find(readers, namespace_id, word)
        wanted.found.append(found)
        wanted.residual.setdefault(By.SEARCH, []).append(found.part)
    wanted.loose += [negate((await _find(readers, namespace_id, word)).part) for word in unwanted[1]]
    return wanted


def _read_words(wanted: Wanted, terms: Terms, given: RunFilter) -> tuple[list[str], list[str]]:
    words, without = terms.words()
    words += words_of(given.search or "")
    wanted.nothing = bool(given.search) and not words
    return list(dict.fromkeys(words))[:10], without[:10]


def _read_times(wanted: Wanted, terms: Terms, given: RunFilter, now: int) -> None:
    before = given.started_before
    if given.running_longer_than is not None:
        latest = now - given.running_longer_than
        before = latest if before is None else min(before, latest)
    wanted.started = _with_ages(terms, now, given.started_after, before)
    wanted.narrow += between("r.deadline", given.deadline_after, given.deadline_before)
    least = [int(term.value) for term in terms.peek("duration") if not term.negated and term.op in _AT_LEAST]
    wanted.lasted = max(least, default=None)


def _with_ages(terms: Terms, now: int, after: int | None, before: int | None) -> tuple[int | None, int | None]:
    """The bounds of `started_at` narrowed by the comparisons in `q`; negated ones are turned over."""
    for term in (term for group in terms.take("started") for term in group):
        value = now - int(term.value) if term.relative else int(term.value)
        later = (term.op in {Op.LESS, Op.AT_MOST}) == term.relative
        if later != term.negated:
            value += int((term.op in {Op.LESS, Op.MORE}) != term.negated)
            after = value if after is None else max(after, value)
        else:
            value += int((term.op in {Op.AT_LEAST, Op.AT_MOST}) != term.negated)
            before = value if before is None else min(before, value)
    return after, before


def _read_statuses(wanted: Wanted, terms: Terms, given: RunFilter) -> None:
    statuses = meet(given.status or None, terms.choice("status"))
    deadlines = meet(given.deadline_status or None, terms.choice("deadline"))
    if deadlines is not None:
        implied = frozenset[str]().union(*(_STATUSES_OF[DeadlineStatus(each)] for each in deadlines))
        statuses = meet(statuses, implied)
        wanted.deadline_statuses = tuple(deadlines)
        wanted.residual[By.DEADLINE_STATUS] = [one_of("r.deadline_status", deadlines)]
    if given.running_longer_than is not None or _counts_down(terms):
        statuses = meet(statuses, [RunStatus.ACTIVE])
    stalled = terms.choice_of_flag("stalled", given.stalled)
    if stalled:
        wanted.stalled = True
        wanted.residual[By.STALLED] = [Part("r.stalled = 1")]
        statuses = meet(statuses, [RunStatus.ACTIVE])
    elif stalled is False:
        wanted.loose.append(Part("r.stalled = 0"))
    if statuses is not None:
        wanted.statuses = tuple(str(each) for each in statuses)
        wanted.residual[By.STATUS] = [one_of("r.status", wanted.statuses)]
        wanted.nothing |= not statuses


def _counts_down(terms: Terms) -> bool:
    """Time left is a matter of runs that are still active."""
    return any(term.relative and not term.negated for term in terms.peek("due"))


def _read_labels(wanted: Wanted, terms: Terms, given: RunFilter) -> None:
    for by, listed in ((By.SERVICE, given.service), (By.CATEGORY, given.category)):
        values = meet(listed or None, terms.exact(by))
        if values is None:
            continue
        wanted.nothing |= not values
        wanted.residual[by] = [one_of(f"r.{by}", values)]


async def _find_processes(readers: Readers, wanted: Wanted, terms: Terms, given: RunFilter) -> None:
    groups = terms.take("process")
    positive = [_text("name", term) for group in groups for term in group if not term.negated]
    negative = [_text("name", term) for group in groups for term in group if term.negated]
    parts = [one_of("name", given.process)] if given.process else []
    parts += [either(positive)] if positive else []
    if negative:
        rows = await _processes(readers, wanted.namespace_id, either(negative))
        wanted.loose.append(negate(among("r.process_id", rows)))
    if parts:
        wanted.processes = tuple(await _processes(readers, wanted.namespace_id, every(parts)))
        wanted.residual[By.PROCESS] = [among("r.process_id", wanted.processes)]
        wanted.nothing |= not wanted.processes


def _text(column: str, term: Term) -> Part:
    value = str(term.value)
    return begins(column, value) if term.op is Op.PREFIX else one_of(column, [value])


async def _processes(readers: Readers, namespace_id: int, part: Part) -> list[int]:
    sql = f"SELECT id FROM processes WHERE namespace_id = ? AND {part.sql}"
    return [row[0] for row in await readers.all(sql, (namespace_id, *part.params))]


async def _find_tags(readers: Readers, wanted: Wanted, terms: Terms, given: RunFilter) -> None:
    """Pairs from `tag=` must all be there; in `q` the values of one key are any-of."""
    groups: list[tuple[str, list[Part]]] = []
    for pair in dict.fromkeys(given.tag):
        key, value = tag_pair(pair)
        groups.append((key, [one_of("value", [value])]))
    for group in terms.take("tag"):
        positive = [_text("value", term) for term in group if not term.negated]
        if positive:
            groups.append((group[0].key, positive))
        for term in group:
            if term.negated:
                wanted.loose.append(negate(_tag_part(await _tags(readers, wanted, term.key, [_text("value", term)]))))
    for key, parts in groups:
        ids = await _tags(readers, wanted, key, parts)
        wanted.nothing |= not ids
        wanted.tags.append(ids)
        wanted.residual.setdefault(By.TAG, []).append(_tag_part(ids))
    if len(groups) > 1:
        sizes = {ids: await _tag_size(readers, ids) for ids in wanted.tags}
        wanted.tags.sort(key=lambda ids: sizes[ids])


async def _tag_size(readers: Readers, ids: Sequence[int]) -> int:
    """How many runs have one of these tags, as far as it matters which tag has the fewest."""
    part = among("tag_id", ids)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM run_tags WHERE {part.sql} LIMIT 1000)"
    row = await readers.one(sql, part.params)
    return int(row[0]) if row is not None else 0


async def _tags(readers: Readers, wanted: Wanted, key: str, parts: Sequence[Part]) -> tuple[int, ...]:
    part = either(parts)
    sql = f"SELECT id FROM tags WHERE namespace_id = ? AND key = ? AND {part.sql}"
    return tuple(row[0] for row in await readers.all(sql, (wanted.namespace_id, key, *part.params)))


def _tag_part(ids: Sequence[int]) -> Part:
    """Seeks in the side table, by the run's place in it."""
    tag = among("x.tag_id", ids) if len(ids) != 1 else one_of("x.tag_id", ids)
    seek = f"SELECT 1 FROM run_tags x WHERE {tag.sql} AND x.started_at = r.started_at AND x.run_seq = r.seq"
    return Part(f"EXISTS ({seek})", tag.params)


async def _find_ids(readers: Readers, wanted: Wanted, terms: Terms, given: RunFilter) -> None:
    """A run is found by its id and by its uid."""
    group = [term for group in terms.take("id") for term in group]
    positive = [term for term in group if not term.negated]
    lists = [[Term("id", Op.IS, value) for value in given.id]] if given.id else []
    lists += [positive] if positive else []
    for any_of in lists:
        seqs = [seq for term in any_of for seq in await _by_id(readers, wanted.namespace_id, term)]
        known = wanted.seqs
        wanted.seqs = tuple(seq for seq in dict.fromkeys(seqs) if known is None or seq in known)
    if wanted.seqs is not None:
        wanted.residual[By.ID] = [among("r.seq", wanted.seqs)]
        wanted.nothing |= not wanted.seqs
    wanted.loose += [negate(either([_text("r.id", term), _text("r.uid", term)])) for term in group if term.negated]


async def _by_id(readers: Readers, namespace_id: int, term: Term) -> list[int]:
    part, uid = _text("r.id", term), _text("r.uid", Term("id", term.op, str(term.value).lower()))
    keys = (
        f"SELECT r.seq FROM runs r INDEXED BY runs_by_key WHERE r.namespace_id = ? AND {part.sql} "
        f"ORDER BY r.id DESC LIMIT {MOST_FOUND}"
    )
    uids = f"SELECT r.seq FROM runs r WHERE +r.namespace_id = ? AND {uid.sql} ORDER BY r.uid DESC LIMIT {MOST_FOUND}"
    sql = f"SELECT seq FROM ({keys}) UNION SELECT seq FROM ({uids})"
    return [row[0] for row in await readers.all(sql, (namespace_id, *part.params, namespace_id, *uid.params))]


async def _find(readers: Readers, namespace_id: int, word: str) -> Found:
    processes = await _processes(readers, namespace_id, contains("name", word))
    seqs = await _by_id(readers, namespace_id, Term("id", Op.PREFIX, word))
    expression, cut = full_text(word), len(seqs) >= MOST_FOUND
    if expression is not None:
        sql = newest_found("run_words", "runs", "seq")
        failed = [row[0] for row in await readers.all(sql, (expression, namespace_id, MOST_FOUND))]
        seqs, cut = seqs + failed, cut or len(failed) >= MOST_FOUND
    return Found(tuple(processes), tuple(sorted(set(seqs))), cut)
