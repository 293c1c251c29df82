"""What the journal and the comments say, as lines of a timeline."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trackdesk.screens.changes import by_this_clock, change
from trackdesk.screens.run_story import OWN, story
from trackdesk.widgets.timeline import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trackdesk.domain.changes import Changes
    from trackdesk.domain.incident import Comment, JournalEntry, RoutingStep
    from trackdesk.widgets.glyphs import Role

_ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("opened", "reopened", "missed", "failed", "stalled", "dead"), "fail"),
    **dict.fromkeys(("triaged", "warning", "severity", "retrying"), "late"),
    **dict.fromkeys(("started", "resumed"), "run"),
    **dict.fromkeys(("closed", "cleared", "completed", "sent", "proven"), "ok"),
}
_SHORT = {"handed_back": "back", "comment_deleted": "withdrawn", "severity changed": "severity"}


def incident_entries(journal: Iterable[JournalEntry], comments: Iterable[Comment]) -> list[Entry]:
    """Oldest first. Comments come whole, in place of the beginnings that the journal has of them."""
    entries = [_entry(each) for each in journal if each.kind != "commented"]
    entries += [Entry(each.created_at, "comment", f"{each.author}: {each.content}", "run") for each in comments]
    return sorted(entries, key=lambda entry: entry.at)


def run_entries(journal: Sequence[JournalEntry]) -> list[Entry]:
    """What happened to the run of an incident, told apart from what happened to the incident."""
    return [replace(entry, text=f"run: {entry.text}") for entry in story(journal)]


def told_entries(steps: Iterable[RoutingStep]) -> list[Entry]:
    """Why who was told, or not. What an attempt says again is left out, and so is the department where an inbox is; of
    attempts that failed the same way there is the last, with their number."""
    steps = list(steps)
    tried = {(step.subject, _what(step)[0]) for step in steps if step.kind == "attempt"}
    inboxes = {(step.subject, step.at) for step in steps if step.kind == "inbox" and step.told}
    entries: dict[object, Entry] = {}
    failures: Counter[object] = Counter()
    for at, step in enumerate(steps):
        what, text = _what(step)
        if step.kind == "channel" and step.told and (step.subject, what) in tried:
            continue
        if step.kind == "department" and (step.subject, step.at) in inboxes:
            continue
        key: object = at
        role: Role = "new" if step.told is None else "ok" if step.told else "dim"
        if step.kind == "attempt" and not step.told:
            role = "late"
            key = (step.subject, what, text.partition(" after ")[0])
            failures[key] += 1
            if failures[key] > 1:
                text = f"{text} ({failures[key]} times)"
        # The last of its kind stands where it happened.
        entries.pop(key, None)
        entries[key] = Entry(step.at, what, text, role)
    return list(entries.values())


def _what(step: RoutingStep) -> tuple[str, str]:
    """What was told, in one word, and the rest of the sentence with its times as people read them."""
    if step.kind == "cause":
        what, text = "cause", step.detail
    else:
        what, _, text = step.detail.partition(": ")
    return _SHORT.get(what, what), by_this_clock(text)


def _entry(entry: JournalEntry) -> Entry:
    said = _said(entry.kind, entry.changed)
    who = "" if entry.actor == OWN else f"by {entry.actor}"
    text = ", ".join(part for part in (said, who) if part)
    return Entry(entry.at, _SHORT.get(entry.kind, entry.kind), text, _ROLES.get(entry.kind, "new"))


def _said(kind: str, changed: Mapping[str, Any]) -> str:
    if kind == "opened" and "title" in changed:
        late = ", seen late: trackdesk was away" if changed.get("seen_late") else ""
        return f"{changed['title']}{late}"
    parts = [change(name, value) for name, value in changed.items() if kind not in (name, *_kinds_of(name))]
    return ", ".join(part for part in parts if part)


def _kinds_of(member: str) -> tuple[str, ...]:
    """The kinds that say by themselves how this member changed."""
    return (
        ("triaged", "started", "closed", "reopened", "handed_back", "completed", "failed") if member == "status" else ()
    )


_CHANGED: Mapping[str, tuple[str, Role]] = {
    "run_started": ("started", "run"),
    "run_completed": ("completed", "ok"),
    "run_failed": ("failed", "fail"),
    "run_skipped": ("skipped", "dim"),
}


def changed_entries(found: Changes) -> list[Entry]:
    """What changed before an incident, oldest first."""
    entries = []
    for each in found.data:
        kind, role = _CHANGED.get(each.kind, (each.kind, "late"))
        who = f", by {each.who}" if each.who and not each.kind.startswith("run_") else ""
        entries.append(Entry(each.at, kind, f"{each.text}{who}", role))
    return entries
