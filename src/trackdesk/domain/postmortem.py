"""The story of an incident as Markdown, to begin a post-mortem with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trackdesk.domain.changes import edit_text
from trackdesk.domain.clock import SECOND
from trackdesk.domain.incident import IncidentStatus
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.markdown import fenced, inline, table
from trackdesk.domain.safe import safe_text
from trackdesk.domain.text_chart import text_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.domain.attachment import Attachment
    from trackdesk.domain.changes import Changes
    from trackdesk.domain.incident import Comment, Incident, JournalEntry, RoutingStep

MOST_LINES: Final = 500
"""Of each list."""
_ITSELF: Final = "trackdesk"
_DEEDS: Final = {
    "opened": "reported it",
    "triaged": "took it",
    "started": "began work",
    "handed_back": "handed it back",
    "closed": "closed it",
    "reopened": "opened it again",
    "severity": "changed the severity",
    "assigned": "assigned it",
    "changed": "changed it",
    "commented": "commented",
    "comment_deleted": "deleted a comment",
    "attached": "attached a file",
    "attachment_deleted": "deleted an attachment",
}


@dataclass(frozen=True)
class Curve:
    """The metric of a rule around the breach; times in µs."""

    title: str
    values: Sequence[float | None]
    """Evenly over the time."""
    since: int
    until: int
    threshold: float | None = None


@dataclass(frozen=True)
class Story:
    """All that is known of an incident, each list oldest first."""

    incident: Incident
    now: int
    timeline: Sequence[JournalEntry]
    comments: Sequence[Comment]
    attachments: Sequence[Attachment]
    steps: Sequence[RoutingStep]
    changes: Changes
    condition: str | None = None
    """Of its rule, in words."""
    curve: Curve | None = None
    runbook_url: str | None = None
    cut: bool = field(default=False)
    """Some list has more than is here."""


def postmortem(story: Story) -> str:
    incident = story.incident
    parts = [
        [f"# {incident.ref}: {inline(incident.title)}"],
        ["## Summary", "", *_summary(story)],
        ["## Impact", "", *_impact(story)],
        _curve(story),
        _section("Timeline", [f"{_at(each.at)} {_said(each)}" for each in story.timeline]),
        _section("What changed before", [_change(each.at, each.text, each.who) for each in story.changes.data]),
        _section("Who did what", _deeds(story.timeline)),
        _comments(story.comments),
        _section("Attachments", [f"{inline(each.name)} ({each.size:,} bytes, by {inline(each.author)})" for each in
                                 story.attachments]),
        _section("Who was told", [f"{_at(each.at)} {inline(each.detail)}" for each in story.steps
                                  if each.told is not None]),
        ["## Cause and what we do about it", "", "_For those who worked on it to write._"],
        [f"_Written by trackdesk on {_at(story.now)}." + (" Long lists are cut._" if story.cut else "_")],
    ]  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _at(micros: int) -> str:
    return f"{format_instant(micros)[:19].replace('T', ' ')} UTC"


def _took(since: int, until: int | None) -> str | None:
    """A duration to the second."""
    return None if until is None else format_duration(max(until - since, 0) // SECOND * SECOND)


def _summary(story: Story) -> list[str]:
    incident = story.incident
    due = incident.due_at
    return table(
        [
            ("Status", f"{incident.status}, {incident.severity}"),
            ("Origin", incident.origin),
            ("Service", incident.service),
            ("Process", incident.process),
            ("Run", incident.run),
            ("Rule", None if incident.rule is None else incident.rule),
            ("Condition", story.condition),
            ("Department", incident.department),
            ("Assignee", incident.assignee),
            ("Reported by", incident.reported_by),
            ("Became true", None if due is None or due == incident.opened_at else _at(due)),
            ("Opened", _at(incident.opened_at)),
            ("First taken", None if incident.triaged_at is None else _at(incident.triaged_at)),
            ("Closed", None if incident.closed_at is None else _at(incident.closed_at)),
            ("Closed because", incident.close_reason),
            ("Time to acknowledge", _took(incident.opened_at, incident.triaged_at)),
            ("Time to close", _took(incident.opened_at, incident.closed_at)),
            ("Runbook", story.runbook_url),
        ]
    )


def _impact(story: Story) -> list[str]:
    incident = story.incident
    closed = incident.status == IncidentStatus.CLOSED
    lasted = _took(incident.due_at or incident.opened_at, incident.closed_at if closed else story.now)
    seen = "once" if incident.occurrences == 1 else f"{incident.occurrences:,} times"
    lines = [
        f"- It {'lasted' if closed else 'has lasted'} {lasted}{'' if closed else ' and is not over'}.",
        f"- It was seen {seen}, the last time at {_at(incident.last_seen_at)}.",
    ]
    if incident.value is not None:
        limit = "" if incident.threshold is None else f", where the limit is {incident.threshold:g}"
        lines.append(f"- The value that opened it was {incident.value:g}{limit}.")
    if incident.seen_late:
        lines.append("- trackdesk itself was away when it happened and saw it later.")
    if incident.description:
        lines += ["", *fenced(incident.description)]
    return lines


def _curve(story: Story) -> list[str]:
    curve = story.curve
    if curve is None:
        return []
    length = max(curve.until - curve.since, 1)
    incident = story.incident
    became = incident.due_at if incident.due_at != incident.opened_at else None
    signs = (("◇", "became true", became), ("▲", "opened", incident.opened_at), ("△", "closed", incident.closed_at))
    marks = [((at - curve.since) / length, sign) for sign, _, at in signs if at is not None]
    ends = (f"{_at(curve.since)[11:16]}", f"{_at(curve.until)[11:16]} UTC")
    lines = text_chart(curve.values, threshold=curve.threshold, marks=marks, ends=ends)
    if not lines:
        return []
    words = [f"{sign} {word}" for sign, word, at in signs if at is not None]
    legend = ", ".join([*words, *([] if curve.threshold is None else ["╌ threshold"])])
    return ["## Metric", "", "```text", safe_text(curve.title), *lines, legend, "```"]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and a list; nothing without lines."""
    if not lines:
        return []
    rest = [f"- … and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return [f"## {title}", "", *(f"- {line}" for line in lines[:MOST_LINES]), *rest]


def _said(entry: JournalEntry) -> str:
    """What happened, and by whom; of an opening and a comment the rest stands elsewhere."""
    changed = {} if entry.kind in {"opened", "commented"} else entry.changed
    text = edit_text("", entry.kind.replace("_", " "), "", changed).strip()
    return inline(f"{text}, by {entry.actor}")


def _change(at: int, text: str, who: str | None) -> str:
    return f"{_at(at)} {inline(text)}" + (f", by {inline(who)}" if who else "")


def _deeds(timeline: Iterable[JournalEntry]) -> list[str]:
    """A line for each person, in the order in which they came."""
    people: dict[str, Counter[str]] = {}
    for entry in timeline:
        if entry.actor != _ITSELF:
            deed = _DEEDS.get(entry.kind, entry.kind.replace("_", " "))
            people.setdefault(entry.actor, Counter())[deed] += 1
    return [
        f"{inline(who)} {', '.join(deed + (f' ({count} times)' if count > 1 else '') for deed, count in deeds.items())}"
        for who, deeds in people.items()
    ]


def _comments(comments: Sequence[Comment]) -> list[str]:
    if not comments:
        return []
    lines = ["## Comments"]
    for each in comments[:MOST_LINES]:
        lines += ["", f"{inline(each.author)}, {_at(each.created_at)}:", "", *fenced(each.content)]
    return lines
