"""Reports that found no server: kept as files with their true times, and sent by whoever comes next.

Each file is one whole report: it names its run by uid, or carries the start of the run with its idempotency key. So
files are only ever made and removed, never changed, and writers need no lock. Sending holds one, so that nobody sends
what another is sending."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.sdk import wire
from trackdesk.sdk.filelock import try_lock
from trackdesk.sdk.http import Refused, ServerAway
from trackdesk.sdk.parcel import MAX_BYTES as PARCEL_BYTES
from trackdesk.sdk.parcel import MAX_LINES, Parcel, send
from trackdesk.sdk.values import now_micros, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from trackdesk.sdk.http import Http
    from trackdesk.sdk.locate import Target

MAX_FILES = 10_000
MAX_BYTES = 64 * 1024 * 1024
_FORGOTTEN_AFTER = 3600.0
_CALL_TIMEOUT = 5.0
_REASONS = 100


class Report(NamedTuple):
    """What is to be said about one run; or `samples`, and then `process` is their service. `url` is None when it is
    meant for the local server, wherever that listens."""

    process: str
    url: str | None = None
    namespace: str | None = None
    uid: str | None = None
    key: str | None = None
    start: dict[str, Any] | None = None
    logs: Sequence[dict[str, Any]] = ()
    complete: dict[str, Any] | None = None
    samples: Sequence[dict[str, Any]] = ()

    @classmethod
    def read(cls, path: Path) -> Report:
        """Raises ValueError for anything that `Spool.save` didn't write."""
        value = json.loads(path.read_text("utf-8"))
        try:
            report = cls(**value)
        except TypeError:
            raise ValueError("not a report") from None
        if report.uid is None and not report.samples and (report.start is None or report.key is None):
            raise ValueError("a report without a run")
        return report

    def is_for(self, target: Target) -> bool:
        here = target.local if self.url is None else self.url == target.url
        return here and self.namespace == target.namespace


class Flushed(NamedTuple):
    """What became of the files: taken by the server, refused for good, still here."""

    sent: int = 0
    refused: int = 0
    left: int = 0


def _say(text: str) -> None:
    print(f"trackdesk: {shown(text)}", file=sys.stderr)  # noqa: T201 - the one place to say it is stderr


class Spool:
    def __init__(
        self,
        directory: Path,
        *,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_BYTES,
        say: Callable[[str], None] = _say,
    ) -> None:
        self.directory = directory
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._say = say
        self._unwritable = False

    def save(self, report: Report) -> bool:
        """On disk when it returns True. Says so and returns False when the spool is full or can't be written."""
        said = report._asdict()
        if not report.samples:
            del said["samples"]
        content = json.dumps(said).encode()
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sizes = [_size(path) for path in self._waiting()]
            if len(sizes) >= self._max_files or sum(sizes) + len(content) > self._max_bytes:
                self._say(f"a report of {report.process} is dropped: {self.directory} is full ({len(sizes)} reports)")
                return False
            self._write(content)
        except OSError as error:
            if not self._unwritable:  # once: a run tries again with all that it has to say
                self._say(f"what {report.process} reports is dropped: {self.directory} can't be written ({error})")
            self._unwritable = True
            return False
        self._unwritable = False
        return True

    def _write(self, content: bytes) -> None:
        # The names sort by time, which keeps the reports of a run in their order.
        name = f"{now_micros():020d}-{os.urandom(6).hex()}"
        hidden = self.directory / f".{name}.tmp"
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(self.directory / f"{name}.json")
        _sync_directory(self.directory)

    def _waiting(self) -> list[Path]:
        """Oldest first. A file may be gone by the time it is looked at."""
        try:
            return sorted(path for path in self.directory.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []

    def is_empty(self) -> bool:
        return not self._waiting()

    def flush(self, http: Http, *, budget: float = 2.0) -> Flushed:
        """Sends what is meant for this server, for about `budget` seconds. Never raises for what server or disk do;
        somebody else being at it already counts as nothing to do."""
        if self.is_empty():
            return Flushed()
        try:
            with try_lock(self.directory / ".lock") as free:
                return self._send_all(http, time.monotonic() + budget) if free else Flushed(left=len(self._waiting()))
        except OSError as error:
            self._say(f"spooled reports can't be sent: {error}")
            return Flushed()

    def _send_all(self, http: Http, until: float) -> Flushed:
        self._forget_broken_writes()
        tally = {"sent": 0, "refused": 0}
        for bundle in self._bundles(http.target, tally):
            left = until - time.monotonic()
            if left <= 0 or not self._send_bundle(http, bundle, min(left, _CALL_TIMEOUT), tally):
                break
        return Flushed(**tally, left=len(self._waiting()))

    def _bundles(self, target: Target, tally: dict[str, int]) -> Iterator[dict[Path, Parcel]]:
        """What goes to `target`, oldest first, as much at a time as fits into one request."""
        bundle: dict[Path, Parcel] = {}
        lines = size = 0
        for path in self._waiting():
            try:
                report = Report.read(path)
                if not report.is_for(target):
                    continue
                parcel = Parcel(report)
            except FileNotFoundError:
                continue
            except (ValueError, TypeError) as error:
                self._set_aside(path, [f"unreadable: {error}"], tally)
                continue
            if bundle and (lines + len(parcel.lines) > MAX_LINES or size + parcel.size > PARCEL_BYTES):
                yield bundle
                bundle, lines, size = {}, 0, 0
            bundle[path] = parcel
            lines += len(parcel.lines)
            size += parcel.size
        if bundle:
            yield bundle

    def _send_bundle(self, http: Http, bundle: dict[Path, Parcel], timeout: float, tally: dict[str, int]) -> bool:
        """False when there is no sense in going on for now."""
        try:
            send(http, list(bundle.values()), timeout)
        except ServerAway as away:
            if away.status is None or away.status in {502, 503, 504}:
                return False
            if len(bundle) == 1:
                return True  # this one makes the server stumble; the others need not wait for it
            return all(self._send_bundle(http, {path: each}, timeout, tally) for path, each in bundle.items())
        except Refused as refusal:
            self._say(f"spooled reports wait: {refusal.detail}")
            return False
        for path, parcel in bundle.items():
            if not parcel.refusals:
                path.unlink(missing_ok=True)
                tally["sent"] += 1
            elif not parcel.passing:
                self._set_aside(path, parcel.refusals, tally)
        return True

    def _set_aside(self, path: Path, reasons: Sequence[str], tally: dict[str, int]) -> None:
        """What else the report says has been taken; put back and sent again, only what was refused is new."""
        aside = self.directory / "refused"
        aside.mkdir(mode=0o700, exist_ok=True)
        target = aside / path.name
        target.with_suffix(".reason").write_text("\n".join(reasons[:_REASONS]) + "\n", "utf-8")
        path.replace(target)
        tally["refused"] += 1
        self._say(f"a spooled report was refused and lies in {target}: {reasons[0]}")
        for oldest in sorted(aside.glob("*.json"))[: -self._max_files]:
            oldest.unlink(missing_ok=True)
            oldest.with_suffix(".reason").unlink(missing_ok=True)

    def _forget_broken_writes(self) -> None:
        """A writer that died left its unfinished file; nobody else ever looks at it."""
        for path in self.directory.glob(".*.tmp"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _FORGOTTEN_AFTER:
                    path.unlink()


def complete_once(http: Http, uid: str, body: dict[str, Any], *, timeout: float | None = None) -> None:
    """Completes a run; that it already ended in just this way, told by an answer that got lost, is fine."""
    try:
        wire.complete(http, uid, body, timeout=timeout)
    except Refused as refusal:
        if refusal.code != "run_finished" or not _ended_so(http, uid, body, timeout):
            raise


def _ended_so(http: Http, uid: str, body: dict[str, Any], timeout: float | None) -> bool:
    try:
        run = http.call("GET", wire.run_path(uid), timeout=timeout)
    except Refused:  # a key that may only send can't look
        return False
    return (run.get("status"), run.get("completed_at")) == (body.get("status"), body.get("completed_at"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # sent meanwhile
        return 0


def _sync_directory(directory: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
