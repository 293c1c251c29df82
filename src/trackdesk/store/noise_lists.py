"""Reading silences and maintenance windows, and what a silence would have muted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trackdesk.domain.incident import Severity, incident_ref
from trackdesk.domain.maintenance import Maintenance
from trackdesk.domain.page import Page
from trackdesk.domain.q import parse
from trackdesk.domain.q_fields import MAINTENANCE_FIELDS, SILENCE_FIELDS
from trackdesk.domain.silence import (
    MEMBERS,
    MOST_PREVIEWED,
    Preview,
    Silence,
    SilenceState,
    WouldMute,
)
from trackdesk.store import maintenance, silences
from trackdesk.store.conditions import Part, Terms, begins, contains, either, every, meet, negate, one_of, words_of
from trackdesk.store.keyset import Listed, Walk, empty_page, page_of, read_position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.maintenance import MaintenanceFilter
    from trackdesk.domain.silence import Matchers, SilenceFilter
    from trackdesk.store.readers import Readers

_MATCHED: Final = {name: f"(SELECT group_concat(value, ' ') FROM json_each(s.match, '$.{name}'))" for name in MEMBERS}
_SILENCE_COLUMNS: Final = {
    **_MATCHED,
    "tag": "json_extract(s.match, '$.tag')",
    "reason": "s.reason",
    "by": "s.created_by",
    "ends": "s.until_at",
}
_MAINTENANCE_COLUMNS: Final = {
    "name": "m.name",
    "service": "m.service",
    "department": "m.department",
    "reason": "m.reason",
    "by": "m.created_by",
}
_STANDING: Final = {SilenceState.PENDING, SilenceState.ACTIVE}


async def silence_page(readers: Readers, namespace_id: int, given: SilenceFilter, now: int) -> Page[Silence]:
    """Newest first. Raises Invalid (`q`, `cursor`)."""
    start = read_position(given.cursor, "-id", "i")
    terms = Terms(parse(given.q, SILENCE_FIELDS) if given.q else (), SILENCE_FIELDS, now)
    states = meet(given.state or None, terms.choice("state"))
    if states is not None and not states:
        return empty_page(Page[Silence], given.limit)
    residual = _words(terms, given.search, ("s.reason", "s.match", "s.created_by"))
    space, source = Part("s.namespace_id = ?", (namespace_id,)), "silences s INDEXED BY silences_by_namespace"
    if states is not None:
        residual.append(either(_in_state(each, now) for each in states))
        if set(states) <= _STANDING:
            space = every([space, Part("s.next_due_at IS NOT NULL")])
            source = "silences s INDEXED BY silences_standing"
    narrow, loose = terms.parts(_SILENCE_COLUMNS)
    listed = Listed(silences.COLUMNS, (Walk(source, space, ("s.id",)),), residual=(*residual, *narrow, *loose))
    return await page_of(
        Page[Silence],
        readers,
        listed,
        start,
        given.limit,
        "-id",
        value=lambda row: silences.silence_from(row, now),
        position=lambda row: [row[0]],
    )


def _in_state(state: str, now: int) -> Part:
    return {
        SilenceState.PENDING: Part("s.from_at > ?", (now,)),
        SilenceState.ACTIVE: Part("(s.from_at <= ? AND s.until_at > ?)", (now, now)),
        SilenceState.ENDED: Part("s.until_at <= ?", (now,)),
    }[SilenceState(state)]


def _words(terms: Terms, search: str | None, columns: Sequence[str]) -> list[Part]:
    words, without = terms.words()

    def has(word: str) -> Part:
        return either(contains(column, word) for column in columns)

    return [has(word) for word in (*words, *words_of(search or ""))] + [negate(has(word)) for word in without]


async def silence(readers: Readers, namespace_id: int, silence_id: int, now: int) -> Silence:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {silences.COLUMNS} FROM silences s WHERE s.id = ? AND +s.namespace_id = ?", (silence_id, namespace_id)
    )
    if row is None:
        raise silences.no_silence(silence_id)
    return silences.silence_from(row, now)


async def maintenance_page(
    readers: Readers, namespace_id: int, given: MaintenanceFilter, now: int
) -> Page[Maintenance]:
    """By id, oldest first; all that stand are few, and looked at. Raises Invalid (`q`, `cursor`)."""
    start = read_position(given.cursor, "id", "i")
    terms = Terms(parse(given.q, MAINTENANCE_FIELDS) if given.q else (), MAINTENANCE_FIELDS, now)
    states = meet(given.state or None, terms.choice("state"))
    if states is not None and not states:
        return empty_page(Page[Maintenance], given.limit)
    residual = _words(terms, given.search, ("m.name", "m.reason", "m.service", "m.department"))
    if states is not None:
        residual.append(either(_is(each, now) for each in states))
    for column, values in (("m.service", given.service), ("m.department", given.department)):
        if values:
            residual.append(one_of(column, values))
    narrow, loose = terms.parts(_MAINTENANCE_COLUMNS)
    walk = Walk("maintenance m", Part("m.namespace_id = ?", (namespace_id,)), ("m.id",))
    listed = Listed(maintenance.COLUMNS, (walk,), residual=(*residual, *narrow, *loose), descending=False)
    return await page_of(
        Page[Maintenance],
        readers,
        listed,
        start,
        given.limit,
        "id",
        value=lambda row: maintenance.maintenance_from(row, now),
        position=lambda row: [row[0]],
    )


def _is(state: str, now: int) -> Part:
    """As `store.maintenance.state` has it."""
    on = Part("(m.from_at <= ? AND m.until_at > ?)", (now, now))
    over = Part("(m.from_at IS NULL OR (m.schedule IS NULL AND m.until_at <= ?))", (now,))
    if state == SilenceState.ACTIVE:
        return on
    return over if state == SilenceState.ENDED else every([negate(on), negate(over)])


async def one_maintenance(readers: Readers, namespace_id: int, maintenance_id: int, now: int) -> Maintenance:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {maintenance.COLUMNS} FROM maintenance m WHERE m.id = ? AND +m.namespace_id = ?",
        (maintenance_id, namespace_id),
    )
    if row is None:
        raise maintenance.no_maintenance(maintenance_id)
    return maintenance.maintenance_from(row, now)


async def preview(readers: Readers, namespace_id: int, match: Matchers, since: int) -> Preview:
    """The incidents opened since an instant (µs) that it would have muted, as `domain.silence.Matcher` decides."""
    plain = match.plain()
    fits, source = _fits(plain), "incidents INDEXED BY incidents_by_opening"
    row = await readers.one(
        f"SELECT count(*), sum(fits), sum(fits AND status <> 'CLOSED') FROM (SELECT ifnull(({fits.sql}), 0) AS fits, "
        f"status FROM {source} WHERE namespace_id = ? AND opened_at >= ?)",
        (*fits.params, namespace_id, since),
    )
    rows = await readers.all(
        f"SELECT id, title, severity, status, service, process, opened_at FROM {source} "
        f"WHERE namespace_id = ? AND opened_at >= ? AND {fits.sql} ORDER BY opened_at DESC, id DESC LIMIT ?",
        (namespace_id, since, *fits.params, MOST_PREVIEWED),
    )
    assert row is not None
    return Preview.trusted(
        match=plain,
        since=since,
        opened=row[0],
        muted=row[1] or 0,
        open=row[2] or 0,
        incidents=[
            WouldMute.trusted(
                id=each[0],
                ref=incident_ref(each[0]),
                title=each[1],
                severity=Severity(each[2]),
                status=each[3],
                service=each[4],
                process=each[5],
                opened_at=each[6],
            )
            for each in rows
        ],
    )


def _fits(match: Mapping[str, Any]) -> Part:
    parts = [_any_of(name, match[name]) for name in MEMBERS if name in match and name != "tag"]
    for key, values in match.get("tag", {}).items():
        # Keys are of letters, digits and _./- only; nothing of a caller's gets into the text.
        parts.append(_any_of(f"json_extract(tags, '$.\"{key}\"')", values))
    return every(parts)


def _any_of(column: str, values: Sequence[str]) -> Part:
    whole = [value for value in values if not value.endswith("*")]
    parts = [one_of(column, whole)] if whole else []
    return either(parts + [begins(column, value[:-1]) for value in values if value.endswith("*")])
