"""Lines of `/v1/ingest`: each says what one call says, and names its run itself."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from trackdesk.domain.errors import Invalid
from trackdesk.domain.metric import NewSample
from trackdesk.domain.model import Input, ProcessName, RunId, Value
from trackdesk.domain.run import CompleteRun, NewLog, PatchRun, RunAddress, StartRun

MAX_REFUSED = 1_000
"""Refused lines that one answer lists; the rest is counted."""

LINE_UID_PATTERN = r"^[\x21-\x7e]{1,200}$"
RUN_UID_PATTERN = r"^[0-9a-z]{26}$"
LineUid = Annotated[str, Field(pattern=LINE_UID_PATTERN)]


class Named(NamedTuple):
    """The members by which a line names its run, as they were given."""

    run: str | None
    start: str | None
    process: str | None
    id: str | None
    attempt: int | None

    def address(self) -> RunAddress | None:
        """None when it is named by the line that started it. Raises Invalid."""
        by_key = self.process is not None and self.id is not None
        half = (self.process is None) != (self.id is None)
        if (self.run is not None) + (self.start is not None) + by_key != 1 or half:
            raise Invalid("line", 'expected one of "run", "start", or "process" with "id"')
        if self.attempt is not None and not by_key:
            raise Invalid("line", '"attempt" goes with "process" and "id"')
        if self.process is not None and self.id is not None:
            return RunAddress(process=self.process, id=self.id, attempt=self.attempt)
        return None if self.run is None else RunAddress(uid=self.run)


class Line(Input):
    """What every kind of line has."""

    uid: LineUid | None = None
    """The sender's own name of the line: within 24 h it is taken once."""


class OfRun(Line):
    """A line about a run that is there: by its uid, by process and id, or by the line that started it."""

    run: Annotated[str, Field(pattern=RUN_UID_PATTERN)] | None = None
    start: LineUid | None = None
    """The `uid` of the run.start line."""
    process: ProcessName | None = None
    id: RunId | None = None
    attempt: Annotated[int, Field(ge=1, le=2**53 - 1)] | None = None

    @property
    def named(self) -> Named:
        return Named(self.run, self.start, self.process, self.id, self.attempt)


class StartLine(Line, StartRun):
    kind: Literal["run.start"]
    process: ProcessName


class PatchLine(OfRun, PatchRun):
    kind: Literal["run.patch"]


class HeartbeatLine(OfRun):
    kind: Literal["run.heartbeat"]


class LogLine(OfRun, NewLog):
    kind: Literal["log"]


class CompleteLine(OfRun, CompleteRun):
    kind: Literal["run.complete"]


class MetricLine(Line, NewSample):
    """The one kind that is about no run."""

    kind: Literal["metric"]


class RefusedLine(Value):
    line: int
    """Counted from 1, empty lines too."""
    code: str
    detail: str


class Ingested(Value):
    accepted: int
    """Lines that stand, those included that stood before."""
    duplicates: int
    """Of the accepted ones those that had been taken before."""
    refused: list[RefusedLine]
    refused_left_out: int = 0
    """Refused lines over those that are listed."""
