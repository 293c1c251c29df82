"""What is said of a process in words: what is expected of it, how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.screens.figures import span
from trackdesk.screens.processes import schedule_words
from trackdesk.widgets import when
from trackdesk.widgets.cells import Clocked, ago
from trackdesk.widgets.glyphs import Toned

if TYPE_CHECKING:
    from trackdesk.domain.process import Process
    from trackdesk.widgets.facts import Fact


def expectation_words(process: Process) -> str:
    """One sentence: `Expected at 02:00 Europe/Berlin, 10m of grace; done within 30m, warned at 75%`."""
    parts = []
    if process.schedule is not None:
        said = schedule_words(process)
        at = "" if said.startswith("every") else "at " if ":" in said[:3] else "by the cron line "
        grace = f", {when.span(process.grace)} of grace" if process.grace is not None else ""
        parts.append(f"expected {at}{said}{grace}")
    if process.default_deadline is not None:
        parts.append(f"done within {when.span(process.default_deadline)}, warned at {process.warn_at:.0%}")
    if process.heartbeat_timeout is not None:
        parts.append(f"silent for at most {when.span(process.heartbeat_timeout)}")
    if process.alert_after_failures > 1:
        parts.append(f"alerts after {process.alert_after_failures} failures in a row")
    said = "; ".join(parts) or "nothing is expected of it: e says when it should run and how long it may take"
    return said[0].upper() + said[1:]


def facts(process: Process, now: int, *, everything: bool = True) -> list[Fact]:
    """How it stands first; with `everything` also what seldom matters."""
    runs = process.runs
    seldom: list[Fact] = [
        ("category", process.category),
        ("ping", Toned(f"/ping/{process.ping_uuid}", "dim") if process.ping_uuid else None),
    ]
    return [
        *_standing(process, now),
        ("last run", ago(process.last_run_at)),
        ("runs", f"{runs.total:,}"),
        ("well", f"{runs.success_rate:.1%}" if runs.success_rate is not None else None),
        ("late", Toned(f"{runs.late:,}", "late") if runs.late else None),
        ("failed", Toned(f"{runs.failed:,}", "fail") if runs.failed else None),
        ("p50", span(runs.p50)),
        ("p90", span(runs.p90)),
        ("p99", span(runs.p99)),
        ("department", process.department),
        ("service", process.service),
        ("runbook", Toned(process.runbook_url, "run") if process.runbook_url else None),
        *(seldom if everything else ()),
    ]


def next_start(at: int | None, now: int) -> Toned:
    """`in 3h`, or since when a start is waited for that may still come."""
    if at is None or at > now:
        return Toned(when.until(at, now), "new")
    return Toned(f"{when.span(now - at)} ago, and may still come", "late")


def _standing(process: Process, now: int) -> list[Fact]:
    """Why it is in the state it is in, where the state does not say it all."""
    if process.state == "PAUSED":
        until = when.day_clock(process.paused_until, now) if process.paused_until is not None else "somebody resumes it"
        return [
            ("paused until", until),
            ("by", process.paused_by),
            ("because", Toned(process.pause_reason, "new") if process.pause_reason else None),
        ]
    said: list[Fact] = []
    if process.missing_since is not None:
        never = f"never started: it was expected at {when.day_clock(process.missing_since, now)}"
        said.append(("", Toned(never, "fail", bold=True)))
        said.append(("missing for", when.span(now - process.missing_since)))
    elif process.next_expected_at is not None:
        said.append(("next start", Clocked(process.next_expected_at, next_start)))
        said.append(("at", when.weekday_clock(process.next_expected_at)))
    if process.blind_at is not None:
        blind = f"not known whether it started at {when.day_clock(process.blind_at, now)}: trackdesk was away"
        said.append(("blind", Toned(blind, "late")))
    return said
