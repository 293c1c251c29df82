"""Which index serves which filter and sort of the incidents. There are few of them, so nothing is refused: rows of a
rare filter are sorted, those of a common one are found along the index of the sort."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from trackdesk.domain.incident import SEVERITY_ORDER, IncidentStatus, Severity
from trackdesk.domain.q import parse
from trackdesk.domain.q_fields import INCIDENT_FIELDS
from trackdesk.store.conditions import (
    Part,
    Terms,
    among,
    between,
    every,
    full_text,
    meet,
    negate,
    newest_found,
    one_of,
    words_of,
)
from trackdesk.store.keyset import Listed, Walk, at_most, split_sort
from trackdesk.store.rows import INCIDENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.filters import IncidentFilter
    from trackdesk.store.readers import Readers

FEW = 2000
"""So many rows are sorted rather than looked for along the index of their sort."""
MOST_FOUND = 2000
"""How many incidents, newest first, a search finds."""

OPEN: Final = frozenset(IncidentStatus) - {IncidentStatus.CLOSED}
ORDERS: Final = {
    "opened_at": ("opened_at", "id"),
    "updated_at": ("updated_at", "id"),
    "severity": ("severity_rank", "opened_at", "id"),
}
ALLOWED: Final = {
    ("process", "opened_at"): "incidents_by_process",
    ("service", "opened_at"): "incidents_by_service",
    ("assignee", "opened_at"): "incidents_by_assignee",
    ("rule", "opened_at"): "incidents_by_rule",
    ("reported_by", "opened_at"): "incidents_by_reporter",
    ("status", "opened_at"): "incidents_by_status",
    ("origin", "opened_at"): "incidents_by_origin",
    ("severity_rank", "opened_at"): "incidents_by_severity",
    ("department", "opened_at"): "incidents_by_department",
    ("", "opened_at"): "incidents_by_opening",
    ("open", "updated_at"): "incidents_open_by_update",
    ("open", "severity"): "incidents_open_by_severity",
    ("", "updated_at"): "incidents_by_update",
    ("", "severity"): "incidents_by_severity",
}
"""(filter, sort) → index that is walked; `""`: all incidents of a namespace, `open`: those that are not CLOSED."""

_DRIVERS: Final = (
    "process",
    "service",
    "assignee",
    "rule",
    "reported_by",
    "status",
    "origin",
    "severity_rank",
    "department",
)
"""The more telling first."""
_NULLABLE: Final = frozenset({"process", "service", "assignee", "rule", "reported_by"})
_TEXTS: Final = {
    "process": "process",
    "service": "service",
    "assignee": "assignee",
    "department": "department",
    "rule": "rule",
    "reported_by": "reporter",
}
"""Column → its field in `q`."""
_COLUMNS = {
    "origin": "origin",
    "service": "service",
    "process": "process",
    "rule": "rule",
    "department": "department",
    "assignee": "assignee",
    "reporter": "reported_by",
    "opened": "opened_at",
    "updated": "updated_at",
    "id": "id",
}


@dataclass(slots=True)
class Wanted:
    """`values` are any-of lists by column, with an index each; `found` what a search or ids have come to."""

    namespace_id: int
    values: dict[str, Sequence[str | int]] = field(default_factory=dict)
    found: tuple[int, ...] | None = None
    parts: list[Part] = field(default_factory=list)
    nothing: bool = False
    cut: bool = False
    """The search finds more than it looks at."""


async def wanted_incidents(readers: Readers, namespace_id: int, given: IncidentFilter, now: int) -> Wanted:
    """Raises Invalid for a `q` that can't be read."""
    terms = Terms(parse(given.q, INCIDENT_FIELDS) if given.q else (), INCIDENT_FIELDS, now)
    wanted = Wanted(namespace_id)
    await _search(readers, wanted, terms, given.search)
    statuses = meet(given.status or None, terms.choice("status"))
    if statuses is not None:
        wanted.values["status"] = [str(each) for each in statuses]
    severities = meet(given.severity or None, terms.choice("severity"))
    if severities is not None:
        wanted.values["severity_rank"] = [SEVERITY_ORDER[Severity(each)] for each in severities]
    origins = meet(given.origin or None, terms.choice("origin"))
    if origins is not None:
        wanted.values["origin"] = [str(each) for each in origins]
    for column, name in _TEXTS.items():
        values = meet(getattr(given, column) or None, terms.exact(name))
        if values is not None:
            wanted.values[column] = values
    wanted.parts += between("opened_at", given.opened_after, given.opened_before)
    narrow, loose = terms.parts(_COLUMNS)
    wanted.parts += narrow + loose
    wanted.nothing |= any(not values for values in wanted.values.values()) or wanted.found == ()
    return wanted


async def _search(readers: Readers, wanted: Wanted, terms: Terms, search: str | None) -> None:
    """Words are looked up first: they are found in title, description, process and service, a number also as an id."""
    space, (words, without) = wanted.namespace_id, terms.words()
    titles = [term for group in terms.take("title") for term in group]
    looked_up = [await _find(readers, space, word) for word in (*words, *words_of(search or ""))]
    looked_up += [await _find(readers, space, str(term.value), "title") for term in titles if not term.negated]
    if search and not words_of(search):
        looked_up.append(frozenset())
    wanted.cut = any(len(ids) >= MOST_FOUND for ids in looked_up)
    for ids in looked_up:
        wanted.found = tuple(ids if wanted.found is None else ids.intersection(wanted.found))
    unwanted = [await _find(readers, space, word) for word in without]
    unwanted += [await _find(readers, space, str(term.value), "title") for term in titles if term.negated]
    wanted.parts += [negate(among("id", ids)) for ids in unwanted]


async def _find(readers: Readers, namespace_id: int, word: str, column: str | None = None) -> frozenset[int]:
    number = word.upper().removeprefix("INC-")
    known = {int(number)} if column is None and number.isascii() and number.isdigit() and len(number) < 19 else set()
    expression = full_text(word, column)
    if expression is not None:
        sql = newest_found("incident_words", "incidents", "id")
        known |= {row[0] for row in await readers.all(sql, (expression, namespace_id, MOST_FOUND))}
    return frozenset(known)


async def plan_incidents(readers: Readers, wanted: Wanted, sort: str) -> Listed:
    name, descending = split_sort(sort)
    walks, served = await _walks(readers, wanted, name)
    residual = [one_of(column, values) for column, values in wanted.values.items() if column != served]
    if wanted.found is not None and served != "id":
        residual.append(among("id", wanted.found))
    return Listed(INCIDENT_COLUMNS, walks, residual=(*residual, *wanted.parts), descending=descending)


async def _walks(readers: Readers, wanted: Wanted, sort: str) -> tuple[tuple[Walk, ...], str]:
    """What to walk, and the filter that it takes care of."""
    space, order = Part("namespace_id = ?", (wanted.namespace_id,)), ORDERS[sort]
    if wanted.found is not None:
        where = every([among("id", wanted.found), Part(f"+{space.sql}", space.params)])
        return (Walk("incidents", where, order, sorted_by="id"),), "id"
    ways = {name: _each(name, space, wanted.values[name]) for name in _DRIVERS if name in wanted.values}
    if sort == "opened_at":
        for name, walks in ways.items():
            if name != "status" or set(wanted.values[name]) <= OPEN or len(ways) == 1:
                return walks, name
        return (Walk("incidents INDEXED BY incidents_by_opening", space, order),), ""
    if set(wanted.values.get("status", {"CLOSED"})) <= OPEN:
        where = every([space, Part("status <> 'CLOSED'")])
        return (Walk(f"incidents INDEXED BY {ALLOWED['open', sort]}", where, order),), ""
    for name, walks in ways.items():
        if await at_most(readers, walks, FEW):
            return tuple(replace(walk, order=order) for walk in walks), name
    return (Walk(f"incidents INDEXED BY {ALLOWED['', sort]}", space, order),), ""


def _each(name: str, space: Part, values: Sequence[str | int]) -> tuple[Walk, ...]:
    present = [Part(f"{name} IS NOT NULL")] if name in _NULLABLE else []
    source = f"incidents INDEXED BY {ALLOWED[name, 'opened_at']}"
    return tuple(Walk(source, every([space, one_of(name, [value]), *present]), ORDERS["opened_at"]) for value in values)
