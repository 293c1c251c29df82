"""The head of a run: how far it is, how much of its budget is used, how the runs before it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from trackdesk.domain.safe import safe_text
from trackdesk.screens.strip import strip
from trackdesk.widgets import budget, when
from trackdesk.widgets.look import Look

if TYPE_CHECKING:
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run
    from trackdesk.widgets.glyphs import Role

_LEAST = 78
"""Cells there are taken to be before the first layout."""
_MOST = 60
"""Cells of the budget's bar at most."""


class RunHead(Static):
    DEFAULT_CSS = """
    RunHead { height: auto; padding: 0 1; margin: 1 0 1 0; }
    """

    def __init__(self) -> None:
        super().__init__("")
        self._run: Run | None = None
        self._process: Process | None = None

    def put(self, run: Run, process: Process | None) -> None:
        self._run, self._process = run, process

    def draw(self, now: int) -> None:
        """As of `now`."""
        if self._run is None:
            return
        look = Look.of(self.app)
        lines = self._facts(self._run, look, now)
        if self._run.deadline is not None:
            lines.append(self._budget(self._run, look, now))
        if self._run.error is not None:
            said = safe_text(self._run.error.message.splitlines()[0] if self._run.error.message else "failed")
            lines.append(Text(f"{look.pick('✗', 'x')} {said}", look.role("fail", bold=True)))
        if self._process is not None and len(self._process.recent) > 1:
            lines.append(self._before(self._process, look))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        self.update(Text("\n").join(lines))

    def _facts(self, run: Run, look: Look, now: int) -> list[Text]:
        """One line where it has room, and never a fact broken in two."""
        lines = [Text()]

        def say(name: str, value: str, role: Role = "new") -> None:
            gap = "   " if lines[-1].plain else ""
            if gap and lines[-1].cell_len + len(f"{gap}{name} {value}") > (self.content_size.width or _LEAST):
                lines.append(Text())
                gap = ""
            lines[-1].append(f"{gap}{name} ", look.role("dim"))
            lines[-1].append(value, look.role(role))

        say("started", when.day_clock(run.started_at, now))
        if run.deadline is not None:
            say("due", when.day_clock(run.deadline, now))
        if run.completed_at is not None:
            say("ended", when.day_clock(run.completed_at, now))
            say("took", when.span(run.duration or 0))
        else:
            say("elapsed", when.span(now - run.started_at))
        if run.progress is not None:
            say("progress", _progress(run, now))
        if run.stalled:
            say("silent since", when.clock(run.last_heartbeat_at or run.started_at), "late")
        if run.attempt > 1:
            say("attempt", str(run.attempt))
        return lines

    def _budget(self, run: Run, look: Look, now: int) -> Text:
        assert run.deadline is not None, "asked only with a deadline"
        whole = max(run.deadline - run.started_at, 1)
        share = max((run.completed_at or now) - run.started_at, 0) / whole
        warn_at = self._process.warn_at if self._process is not None else 0.75
        width = min(max(self.size.width - 34, 10), _MOST)
        role: Role = budget.budget_role(share, warn_at)
        line = Text(budget.bar(share, width, ascii_only=look.ascii_only), look.role(role))
        line.append(f"{budget.percent(share):>6}", look.role(role, bold=True))
        line.append(f" of {when.span(whole)}", look.role("dim"))
        if run.completed_at is None:
            left = run.deadline - now
            said = f"   {when.span(left)} left" if left >= 0 else f"   late {when.span(left)}"
            line.append(said, look.role("dim" if left >= 0 else "late"))
        return line

    def _before(self, process: Process, look: Look) -> Text:
        line = Text("last 20  ", look.role("dim"))
        line.append_text(strip(process.recent, look))
        runs = process.runs
        for name, value in (("p50", runs.p50), ("p90", runs.p90)):
            if value is not None:
                line.append(f"   {name} ", look.role("dim"))
                line.append(when.rounded(value), look.role("new"))
        if runs.success_rate is not None:
            line.append("   well ", look.role("dim"))
            line.append(f"{runs.success_rate:.1%}", look.role("new"))
        return line


def _progress(run: Run, now: int) -> str:
    """`88/120 73%, ~15m left`."""
    progress = run.progress
    assert progress is not None, "asked only with progress"
    if not progress.total:
        return f"{progress.done:,}"
    said = f"{progress.done:,}/{progress.total:,} {min(progress.done * 100 // progress.total, 100)}%"
    if run.completed_at is None and 0 < progress.done < progress.total:
        left = (now - run.started_at) * (progress.total - progress.done) // progress.done
        said += f", ~{when.coarse(left)} left"
    return said
