"""Reports as lines of `/v1/ingest`: many travel in one request, and each learns what became of its own lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trackdesk.sdk import wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trackdesk.sdk.http import Http
    from trackdesk.sdk.spool import Report

MAX_LINES = 1_000
MAX_BYTES = 4 * 1024 * 1024
_PASSING = frozenset({"internal", "overloaded", "storage_full", "not_ready"})


class Parcel:
    """One report on its way. All of it may be sent again: its start has a name, its lines are numbered, and an end that
    stands already is taken as said."""

    def __init__(self, report: Report) -> None:
        self.lines: list[bytes] = []
        self.refusals: list[str] = []
        """What the server said of lines that it refused, the first one first."""
        self.passing = False
        """Whether a refusal may be another one later."""
        self._names: list[str] = []
        for number, sample in enumerate(report.samples, 1):
            self._add(f"sample {number}", {"kind": "metric"}, sample)
        if report.samples:
            return
        run = {"run": report.uid}
        if report.uid is None:
            run = {"start": report.key}
            self._add("start", {"kind": "run.start", "uid": report.key, "process": report.process}, report.start or {})
        for number, line in enumerate(report.logs, 1):
            self._add(f"log line {number}", {"kind": "log", **run}, line)
        if report.complete is not None:
            self._add("end", {"kind": "run.complete", **run}, report.complete)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.lines))

    def _add(self, name: str, head: dict[str, Any], said: dict[str, Any]) -> None:
        self.lines.append(json.dumps({**said, **head}).encode() + b"\n")
        self._names.append(name)

    def refuse(self, index: int, code: str, detail: str) -> None:
        self.refusals.append(f"{self._names[index]}: {code}: {detail}")
        self.passing = self.passing or code in _PASSING


def send(http: Http, parcels: Sequence[Parcel], timeout: float) -> None:
    """Send all their lines, in order; the refusals are in the parcels then. Raises ServerAway and Refused, of which
    those that were sent before notice nothing when they are sent again."""
    places = [(parcel, index) for parcel in parcels for index in range(len(parcel.lines))]
    for parcel in parcels:
        parcel.refusals.clear()
        parcel.passing = False
    for part in _requests(places):
        answer = wire.ingest(http, b"".join(parcel.lines[index] for parcel, index in part), len(part), timeout=timeout)
        for refused in answer["refused"]:
            parcel, index = part[refused["line"] - 1]
            parcel.refuse(index, str(refused["code"]), str(refused["detail"]))


def _requests(places: Sequence[tuple[Parcel, int]]) -> Iterator[list[tuple[Parcel, int]]]:
    """What fits into one request each."""
    part: list[tuple[Parcel, int]] = []
    size = 0
    for parcel, index in places:
        length = len(parcel.lines[index])
        if part and (len(part) >= MAX_LINES or size + length > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append((parcel, index))
        size += length
    if part:
        yield part
