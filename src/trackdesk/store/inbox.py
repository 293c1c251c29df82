"""Reading the inbox: what the caller's departments were told, and what of it the caller has read.

A notification is read when it is up to the reader's mark and not marked unread again, or marked read by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import NotFound
from trackdesk.domain.incident import SEVERITY_ORDER
from trackdesk.domain.notification import Delivery, Notification
from trackdesk.domain.page import COUNT_CAP, Page
from trackdesk.domain.q import parse
from trackdesk.domain.q_fields import NOTIFICATION_FIELDS
from trackdesk.store.channel_lists import with_attempts
from trackdesk.store.conditions import Part, Terms, among, contains, either, every, meet, negate, one_of, words_of
from trackdesk.store.keyset import Listed, Walk, empty_page, make_page, read_position, rows_of, total_of
from trackdesk.store.rows import (
    DELIVERY_COLUMNS,
    DELIVERY_FROM,
    NOTIFICATION_COLUMNS,
    delivery_from,
    notification_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.filters import NotificationFilter
    from trackdesk.domain.identity import Caller
    from trackdesk.store.readers import Readers

SEARCHED = 5000
"""A search looks at so many of the newest notifications."""

_READ_ALONE = "EXISTS (SELECT 1 FROM notification_reads w WHERE w.reader = ? AND w.notification_id = n.id)"
_UNREAD_AGAIN = "EXISTS (SELECT 1 FROM notification_unreads u WHERE u.reader = ? AND u.notification_id = n.id)"
_SEVERITIES = [str(each) for each in SEVERITY_ORDER]


@dataclass(frozen=True, slots=True)
class _Mark:
    """What one reader has read at once: everything up to an id, at an instant (µs)."""

    reader: str
    up_to: int = 0
    read_at: int | None = None


async def page(readers: Readers, caller: Caller, given: NotificationFilter) -> Page[Notification]:
    """Newest first, with deliveries but without their attempts. Raises Invalid (`q`, `cursor`)."""
    start = read_position(given.cursor, "-id", "i")
    terms = Terms(parse(given.q, NOTIFICATION_FIELDS) if given.q else (), NOTIFICATION_FIELDS, 0)
    mark = await _mark(readers, caller)
    unread = terms.choice_of_flag("unread", given.unread)
    departments = meet(meet(caller.departments or None, given.department or None), terms.exact("department"))
    kinds, severities = meet(given.kind or None, terms.choice("kind")), terms.choice("severity")
    residual = [one_of(f"n.{name}", values) for name, values in (("kind", kinds),) if values is not None]
    residual += [one_of("n.severity", [each for each in _SEVERITIES if each in severities])] if severities else []
    if any(values is not None and not values for values in (departments, kinds, severities)):
        return empty_page(Page[Notification], given.limit)
    residual += await _words(readers, caller, terms, given.search)
    narrow, loose = terms.parts({"incident": "n.incident_id", "department": "n.department"})
    if given.incident is not None:
        narrow.append(one_of("n.incident_id", [given.incident]))
    if unread is False:
        residual.append(_is_read(mark))
    if unread:
        residual.append(Part(f"NOT {_READ_ALONE}", (mark.reader,)))
    walks = _walks(caller.namespace_id, departments, given.incident, mark if unread else None)
    listed = Listed(NOTIFICATION_COLUMNS, tuple(walks), residual=(*residual, *narrow, *loose))
    rows = await rows_of(readers, listed, start, given.limit + 1)
    known = await _details(readers, mark, rows[: given.limit])
    return make_page(
        Page[Notification],
        rows,
        given.limit,
        "-id",
        value=lambda row: notification_from(row, known[row[0]][0], known[row[0]][1]),
        position=lambda row: [row[0]],
        total=await total_of(readers, listed),
    )


async def get(readers: Readers, caller: Caller, notification_id: int) -> Notification:
    """With the attempts of its deliveries. Raises NotFound, also for what another department was told."""
    where = every([Part("n.id = ? AND n.in_inbox = 1 AND n.namespace_id = ?", (notification_id, caller.namespace_id))])
    if caller.departments:
        where = every([where, one_of("n.department", caller.departments)])
    row = await readers.one(f"SELECT {NOTIFICATION_COLUMNS} FROM notifications n WHERE {where.sql}", where.params)
    if row is None:
        raise NotFound(f"There is no notification {notification_id} in your inbox.")
    read_at, deliveries = (await _details(readers, await _mark(readers, caller), [row]))[notification_id]
    return notification_from(row, read_at, await with_attempts(readers, deliveries))


async def unread_count(readers: Readers, caller: Caller) -> int:
    """Exact up to 10,000, and never more than that."""
    mark = await _mark(readers, caller)
    count = 0
    for walk in _walks(caller.namespace_id, caller.departments or None, None, mark):
        where = every([walk.where, Part(f"NOT {_READ_ALONE}", (mark.reader,))])
        row = await readers.one(
            f"SELECT count(*) FROM (SELECT 1 FROM {walk.source} WHERE {where.sql} LIMIT ?)",
            (*where.params, COUNT_CAP - count),
        )
        count += row[0] if row is not None else 0
    return count


def _walks(
    namespace_id: int, departments: Sequence[str] | None, incident: int | None, unread: _Mark | None
) -> list[Walk]:
    """With `unread`: what lies behind its mark, and before it what was marked unread again."""
    shown = Part("n.namespace_id = ? AND n.in_inbox = 1", (namespace_id,))
    behind = [Part("n.id > ?", (unread.up_to,))] if unread else []
    walks: list[Walk] = []
    if incident is not None:
        where = [Part("n.incident_id = ?", (incident,)), Part(f"+{shown.sql}", shown.params), *behind]
        where += [one_of("n.department", departments)] if departments else []
        walks.append(Walk("notifications n INDEXED BY notifications_by_incident", every(where), ("n.id",)))
    elif departments:
        source = "notifications n INDEXED BY notifications_inbox_of_department"
        walks += [
            Walk(source, every([shown, one_of("n.department", [each]), *behind]), ("n.id",)) for each in departments
        ]
    else:
        walks.append(Walk("notifications n INDEXED BY notifications_inbox", every([shown, *behind]), ("n.id",)))
    if unread:
        again = Part("u.reader = ? AND u.notification_id <= ?", (unread.reader, unread.up_to))
        where = [again, Part(f"+{shown.sql}", shown.params)]
        where += [one_of("n.department", departments)] if departments else []
        source = "notification_unreads u CROSS JOIN notifications n ON n.id = u.notification_id"
        walks.append(Walk(source, every(where), ("u.notification_id",)))
    return walks


def _is_read(mark: _Mark) -> Part:
    up_to = Part(f"(n.id <= ? AND NOT {_UNREAD_AGAIN})", (mark.up_to, mark.reader))
    return either([Part(_READ_ALONE, (mark.reader,)), up_to])


async def _mark(readers: Readers, caller: Caller) -> _Mark:
    row = await readers.one(
        "SELECT up_to, read_at FROM inbox_marks WHERE reader = ? AND namespace_id = ?",
        (caller.reader, caller.namespace_id),
    )
    return _Mark(caller.reader) if row is None else _Mark(caller.reader, row[0], row[1])


async def _words(readers: Readers, caller: Caller, terms: Terms, search: str | None) -> list[Part]:
    words, without = terms.words()
    words += words_of(search or "")
    if not words and not without:
        return []
    row = await readers.one(
        "SELECT id FROM notifications INDEXED BY notifications_inbox WHERE namespace_id = ? AND in_inbox = 1 "
        "ORDER BY id DESC LIMIT 1 OFFSET ?",
        (caller.namespace_id, SEARCHED - 1),
    )
    parts = [Part("n.id >= ?", (row[0],))] if row is not None else []
    return parts + [_has(word) for word in words] + [negate(_has(word)) for word in without]


def _has(word: str) -> Part:
    return either([contains("n.title", word), contains("n.body", word)])


async def _details(readers: Readers, mark: _Mark, rows: Sequence[Any]) -> dict[int, tuple[int | None, list[Delivery]]]:
    """When each was read, and its deliveries, by id."""
    ids = [row[0] for row in rows]
    one, wanted = among("notification_id", ids), among("d.notification_id", ids)
    alone = await readers.all(
        f"SELECT notification_id, read_at FROM notification_reads WHERE reader = ? AND {one.sql}",
        (mark.reader, *one.params),
    )
    again = await readers.all(
        f"SELECT notification_id FROM notification_unreads WHERE reader = ? AND {one.sql}", (mark.reader, *one.params)
    )
    sent = await readers.all(
        f"SELECT {DELIVERY_COLUMNS} FROM {DELIVERY_FROM} WHERE {wanted.sql} ORDER BY d.id", wanted.params
    )
    unread = {row[0] for row in again}
    read_at = {each: mark.read_at for each in ids if each <= mark.up_to and each not in unread}
    read_at |= {row[0]: row[1] for row in alone}
    deliveries: dict[int, list[Delivery]] = {each: [] for each in ids}
    for row in sent:
        deliveries[row[2]].append(delivery_from(row))
    return {each: (read_at.get(each), deliveries[each]) for each in ids}
