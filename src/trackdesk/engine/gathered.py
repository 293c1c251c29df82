"""The one message of what a channel gathered: its words and its payload."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.incident import SEVERITY_ORDER, Severity, incident_ref
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.notification import Kind
from trackdesk.engine.words import TITLE_LENGTH, round_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.store.deliveries import ToSend
    from trackdesk.store.gathering import Counted, Gathered, Member

LISTED = 20
"""Titles in the text for people; a payload has all that were read."""
_GOOD = frozenset({Kind.CLOSED, Kind.COMPLETED, Kind.RECOVERED, Kind.STARTED})
_WHAT = {Kind.OPENED: "opened", Kind.SEVERITY_RAISED: "raised", Kind.CHANNEL_DEAD: "channels dead"}


def as_sent(item: ToSend, found: Gathered) -> ToSend:
    """The delivery with what it says: of one notification what that would have said by itself, of several their counts
    and the first of them. The same each time, because nothing joins a closed group."""
    if found.total == 1:
        (only,) = found.first
        return item._replace(
            notification_id=only.id,
            kind=only.kind,
            severity=only.severity,
            title=only.title,
            body=only.body,
            department=only.department,
            payload=only.payload,
            created_at=only.created_at,
        )
    return item._replace(
        severity=_worst(found.counts),
        title=_title(found),
        body=_body(found),
        payload=orjson.dumps(_payload(found)).decode(),
    )


def _worst(counts: Iterable[Counted]) -> str | None:
    """Of what is no good news."""
    found = [Severity(each.severity) for each in counts if each.severity is not None and each.kind not in _GOOD]
    return max(found, key=SEVERITY_ORDER.__getitem__, default=None)


def _by_kind(counts: Iterable[Counted]) -> dict[str, int]:
    return _most_first((each.kind, each.number) for each in counts)


def _by_severity(counts: Iterable[Counted]) -> dict[str, int]:
    """Worst first; what has none is left out."""
    found = _most_first((each.severity, each.number) for each in counts if each.severity is not None)
    return {str(severity): found[severity] for severity in reversed(Severity) if severity in found}


def _most_first(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, count in pairs:
        found[name] += count
    return dict(found.most_common())


def _title(found: Gathered) -> str:
    """`5,000 messages in 1m: 4,990 opened, 10 closed (40 CRITICAL, 4,960 HIGH)`."""
    kinds = ", ".join(f"{count:,} {_WHAT.get(Kind(kind), kind)}" for kind, count in _by_kind(found.counts).items())
    worst = ", ".join(f"{count:,} {severity}" for severity, count in _by_severity(found.counts).items())
    window = format_duration(round_up(found.closes_at - found.opened_at))
    title = f"{found.total:,} messages in {window}: {kinds}" + (f" ({worst})" if worst else "")
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1] + "…"


def _body(found: Gathered) -> str:
    shown = found.first[:LISTED]
    lines = [f"{format_instant(found.opened_at)} to {format_instant(found.closes_at)}", ""]
    lines += [f"{each.severity or '-':<8}  {each.title}" for each in shown]
    if found.total > len(shown):
        lines.append(f"and {found.total - len(shown):,} more")
    return "\n".join(lines)


def _payload(found: Gathered) -> dict[str, Any]:
    return {
        "event": "group",
        "kind": Kind.GROUP,
        "count": found.total,
        "from": format_instant(found.opened_at),
        "to": format_instant(found.closes_at),
        "by_kind": _by_kind(found.counts),
        "by_severity": _by_severity(found.counts),
        "notifications": [_named(each) for each in found.first],
        "more": found.total - len(found.first),
    }


def _named(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "kind": member.kind,
        "severity": member.severity,
        "title": member.title,
        "department": member.department,
        "incident": None if member.incident_id is None else incident_ref(member.incident_id),
        "created_at": format_instant(member.created_at),
    }
