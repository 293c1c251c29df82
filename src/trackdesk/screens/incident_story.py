"""What is said of an incident in words, and what its charts show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.screens import figures
from trackdesk.screens.processes import schedule_words
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.budget import number
from trackdesk.widgets.cells import ago
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.window import LENGTHS, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run
    from trackdesk.widgets.bar_chart import Bar
    from trackdesk.widgets.facts import Fact


_DUE = {"missing": "expected", "rule": "since", "alert": "since"}
"""What the instant is called that an incident is about."""


def standing(incident: Incident, *, plain: bool) -> tuple[Toned, ...]:
    """How it stands, beside its name: severity, status, who has it, whose it is."""
    severity, status = glyphs.severity(incident.severity), glyphs.incident_status(incident.status)
    return (
        Toned(severity.text(ascii_only=plain), severity.role),
        Toned(status.text(ascii_only=plain), status.role),
        Toned(f"with {incident.assignee}", "new") if incident.assignee else Toned("with nobody", "dim"),
        Toned(f"for {incident.department}", "dim"),
    )


def leads_somewhere(incident: Incident) -> bool:
    return bool(incident.run or incident.process or incident.rule or incident.service)


def around(incident: Incident, now: int) -> Window:
    """The time to look at: the breach in the middle, up to the present while it is open or not long over."""
    end = incident.closed_at or now
    lasted = max(end - incident.opened_at, 0)
    name = next((name for name, length in LENGTHS if length >= 2 * lasted), LENGTHS[-1][0])
    window = Window(name)
    room = (window.length - lasted) // 2
    return window if end + room >= now else Window(name, end + room)


def usual(
    process: Process, run: Run | None, now: int
) -> tuple[Sequence[Bar], str, list[Toned], list[tuple[str, float]]]:
    """How long the last runs took, and how the one it is about compares: bars, title, notes, marks."""
    marks = figures.percentiles(process.runs)
    notes = [Toned(f"{name} {when.span(int(value))}", "dim") for name, value in marks]
    if run is not None:
        took = run.duration if run.duration is not None else now - run.started_at
        notes.append(Toned(f"{'now' if run.status == 'ACTIVE' else 'this'} {when.span(took)}", "late", bold=True))
    return figures.recent_bars(process.recent, now), f"Last runs of {process.name}", notes, marks


def facts(incident: Incident, run: Run | None, process: Process | None) -> list[Fact]:
    seen = f"{incident.occurrences} times" if incident.occurrences > 1 else None
    about = None if run is None else f"{run.id} #{run.attempt}, {run.status.lower()}"
    closed = when.absolute(incident.closed_at) if incident.closed_at is not None else None
    runbook = process.runbook_url if process is not None else None
    missing = incident.origin == "missing"
    return [
        ("origin", incident.origin),
        ("", Toned("never started", "fail", bold=True) if missing else None),
        ("process", incident.process),
        ("run", about or ("deleted" if incident.run else None)),
        ("service", incident.service),
        ("rule", incident.rule),
        ("value", number(incident.value) if incident.value is not None else None),
        ("threshold", number(incident.threshold) if incident.threshold is not None else None),
        ("tags", " ".join(f"{key}={value}" for key, value in incident.tags.items())),
        ("reported by", incident.reported_by),
        (_DUE.get(incident.origin, "due"), when.absolute(incident.due_at) if incident.due_at is not None else None),
        *(_absence(process) if missing and process is not None else ()),
        ("opened", ago(incident.opened_at)),
        ("seen", seen),
        ("last", ago(incident.last_seen_at) if seen else None),
        ("", Toned("seen late: trackdesk was away", "late") if incident.seen_late else None),
        ("closed", f"{closed}, {incident.close_reason}" if closed and incident.close_reason else closed),
        ("runbook", Toned(runbook, "run") if runbook else None),
    ]


def _absence(process: Process) -> list[Fact]:
    """What one wants to know of a process that did not start."""
    blind = None
    if process.blind_at is not None:
        blind = Toned(f"{when.absolute(process.blind_at)}: trackdesk was away", "late")
    return [
        ("schedule", schedule_words(process)),
        ("last started", ago(process.last_run_at)),
        ("not known", blind),
    ]
