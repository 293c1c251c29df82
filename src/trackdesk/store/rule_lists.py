"""Reading rules: their settings, how they fare, and which opened most incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.page import Page
from trackdesk.domain.q import parse
from trackdesk.domain.q_fields import RULE_FIELDS
from trackdesk.domain.rule import ListedRule, TriggeredRule
from trackdesk.store.conditions import Part, Terms, contains, either, every, meet, negate, one_of, words_of
from trackdesk.store.keyset import make_page, read_position, split_sort
from trackdesk.store.rules import RULE_COLUMNS, RULE_FARES, RULE_STATE, listed_rule, no_rule

if TYPE_CHECKING:
    from trackdesk.domain.filters import RuleFilter
    from trackdesk.store.readers import Readers

_SORTS = {
    "priority": "u.priority",
    "name": "u.name",
    "updated_at": "u.updated_at",
    "trigger_count": "(SELECT count(*) FROM incidents t INDEXED BY incidents_by_rule "
    "WHERE t.namespace_id = u.namespace_id AND t.rule = u.id)",
}
_FIELD_COLUMNS = {"updated": "u.updated_at", "state": f"({RULE_STATE})"}
_FOUND_IN = ("u.id", "u.name", "u.description", "u.metric_type", "u.service")


async def page(readers: Readers, namespace_id: int, given: RuleFilter, now: int) -> Page[ListedRule]:
    """`now` µs."""
    column, down = split_sort(given.sort)
    start = read_position(given.cursor, given.sort, "ss" if column == "name" else "is")
    where, way = _condition(namespace_id, given, now), "DESC" if down else "ASC"
    shown = where
    if start is not None:
        shown = every([where, Part(f"({_SORTS[column]}, u.id) {'<' if down else '>'} (?, ?)", tuple(start))])
    # How they fare is looked up for those that are shown, not for all that are sorted.
    rows = await readers.all(
        f"SELECT {RULE_COLUMNS}, {RULE_FARES}, u.place FROM (SELECT u.*, {_SORTS[column]} AS place FROM rules u "
        f"WHERE {shown.sql} ORDER BY place {way}, u.id {way} LIMIT ?) u ORDER BY u.place {way}, u.id {way}",
        (*shown.params, given.limit + 1),
    )
    total = await readers.one(f"SELECT count(*) FROM rules u WHERE {where.sql}", where.params)
    return make_page(
        Page[ListedRule],
        rows,
        given.limit,
        given.sort,
        value=listed_rule,
        position=lambda row: [row[-1], row[0]],
        total=(total[0] if total is not None else 0, False),
    )


async def get(readers: Readers, namespace_id: int, rule_id: str) -> ListedRule:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {RULE_COLUMNS}, {RULE_FARES} FROM rules u WHERE u.namespace_id = ? AND u.id = ?",
        (namespace_id, rule_id),
    )
    if row is None:
        raise no_rule(rule_id)
    return listed_rule(row)


async def top_triggered(readers: Readers, namespace_id: int, since: int, limit: int) -> list[TriggeredRule]:
    """The rules that opened most incidents from `since` (µs) on, those that are deleted too."""
    rows = await readers.all(
        "SELECT i.rule, count(*), max(i.opened_at), u.name FROM incidents i INDEXED BY incidents_by_rule "
        "LEFT JOIN rules u ON u.namespace_id = i.namespace_id AND u.id = i.rule "
        "WHERE i.namespace_id = ? AND i.rule IS NOT NULL AND i.opened_at >= ? "
        "GROUP BY i.rule ORDER BY count(*) DESC, i.rule LIMIT ?",
        (namespace_id, since, limit),
    )
    return [
        TriggeredRule.trusted(rule=row[0], name=row[3], trigger_count=row[1], last_triggered_at=row[2]) for row in rows
    ]


def _condition(namespace_id: int, given: RuleFilter, now: int) -> Part:
    terms = Terms(parse(given.q, RULE_FIELDS) if given.q else (), RULE_FIELDS, now)
    words, without = terms.words()
    parts = [Part("u.namespace_id = ?", (namespace_id,))]
    severities = meet(given.severity or None, terms.choice("severity"))
    states = meet(given.state or None, terms.choice("state"))
    enabled = terms.choice_of_flag("enabled", given.enabled)
    for column, values in (
        ("u.metric_type", given.metric_type),
        ("u.service", given.service),
        ("u.department", given.department),
    ):
        parts += [one_of(column, values)] if values else []
    parts += [] if severities is None else [one_of("u.severity", severities)]
    parts += [] if states is None else [one_of(f"({RULE_STATE})", states)]
    parts += [] if enabled is None else [Part("u.enabled = ?", (int(enabled),))]
    narrow, loose = terms.parts({field: _FIELD_COLUMNS.get(field, f"u.{field}") for field in RULE_FIELDS})
    parts += narrow + loose
    parts += [_has(word) for word in (*words, *words_of(given.search or ""))]
    parts += [negate(_has(word)) for word in without]
    return every(parts)


def _has(word: str) -> Part:
    return either(contains(f"ifnull({column}, '')", word) for column in _FOUND_IN)
