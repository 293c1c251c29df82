"""Says in the background what happens to one run, so that the job never waits for the server."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.sdk import values, wire
from trackdesk.sdk.http import Http, Refused, ServerAway
from trackdesk.sdk.spool import Report, Spool, complete_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackdesk.sdk.locate import Target

MAX_QUEUED_LINES = 10_000
START_TIMEOUT = 2.0
CALL_TIMEOUT = 5.0
_PACE = 0.1
_LONGEST_PAUSE = 60.0


class Plan(NamedTuple):
    """Where to report and how. `find` is asked before every new connection: a local server may come back elsewhere.
    `url` is the address that was asked for, None for the local server. `heartbeat` is in seconds, 0 for none."""

    find: Callable[[], Target | None]
    spool: Spool
    warn: Callable[[str], None]
    url: str | None = None
    namespace: str | None = None
    heartbeat: float = 30.0


class Reporter:
    """One run's reports. `begin`, `log`, `progress` and `finish` never raise and wait no longer than they are told."""

    def __init__(self, plan: Plan, process: str, body: dict[str, Any]) -> None:
        self._plan = plan
        self._process = process
        self._body = {**body, "started_at": values.rfc3339(values.now_micros())}
        self._key = os.urandom(16).hex()
        self.run: dict[str, Any] | None = None
        """The run as the server answered its start, None as long as it hasn't."""
        self._http: Http | None = None
        self._state = threading.Condition()
        self._logs: deque[dict[str, Any]] = deque()
        self._progress: dict[str, int] | None = None
        self._complete: dict[str, Any] | None = None
        self._ending = False
        self._lost = 0
        self._last_seq = 0
        self._refused = False
        self._answered = threading.Event()
        self._warned = False
        self._start_kept = False
        self._failures = 0
        self._beat_due = self._retry_at = 0.0
        self._thread = threading.Thread(target=self._work, name=f"trackdesk {process}", daemon=True)

    def begin(self, wait: float = START_TIMEOUT) -> None:
        """Starts the run; returns when the server has answered, is known to be away, or after `wait` seconds."""
        self._thread.start()
        self._answered.wait(wait)

    def log(self, message: str, level: str = "INFO", data: dict[str, Any] | None = None, at: int | None = None) -> None:
        """`at` in µs, now when absent. An empty message says nothing and is left out."""
        if not message:
            return
        line: dict[str, Any] = {"message": values.text(message, values.MAX_MESSAGE), "level": level}
        if data:
            line["data"] = values.plain_object(data)
        with self._state:
            now = values.now_micros()
            line["logged_at"] = values.rfc3339(now if at is None else at)
            # Numbers made of the time don't clash with those of another process that writes to the same run.
            self._last_seq = line["seq"] = max(self._last_seq + 1, now)
            if len(self._logs) >= MAX_QUEUED_LINES:
                self._logs.popleft()
                self._lost += 1
            self._logs.append(line)
            self._state.notify()

    def progress(self, counts: dict[str, int]) -> None:
        with self._state:
            self._progress = {**(self._progress or {}), **counts}
            self._state.notify()

    def finish(self, status: str, error: dict[str, Any] | None = None, *, wait: float = CALL_TIMEOUT) -> None:
        """Ends the run; what the server hasn't taken after `wait` seconds goes to the spool."""
        body: dict[str, Any] = {"status": status, "completed_at": values.rfc3339(values.now_micros())}
        if error is not None:
            body["error"] = error
        if self._lost:
            self.log(f"{self._lost} earlier lines were left out: they came faster than they could be sent", "WARN")
        with self._state:
            self._complete = body
            self._ending = True
            self._retry_at = 0.0
            self._state.notify()
        self._thread.join(wait)
        with self._state:
            rest = None if self._refused else self._rest()
        if rest is not None and self._plan.spool.save(rest):
            self._warn("the server is away; the report is kept and sent later")

    def _rest(self) -> Report | None:
        if self._complete is None and not self._logs:
            return None
        plan = self._plan
        uid = None if self.run is None else str(self.run["uid"])
        return Report(
            self._process,
            plan.url,
            plan.namespace,
            uid,
            key=self._key if uid is None else None,
            start=self._body if uid is None else None,
            logs=list(self._logs),
            complete=self._complete,
        )

    def _warn(self, text: str) -> None:
        # Once a run: a job that works for a day beside a dead server shouldn't fill its own log with that.
        if not self._warned:
            self._warned = True
            self._plan.warn(values.shown(text))

    def _work(self) -> None:
        """The thread. Ends when the run is finished and said, or when there is no sense in going on."""
        try:
            while not self._refused:
                ending = self._ending
                delivered = self._round()
                if self._refused or (self._ending and (ending or self._complete is None)):
                    return
                self._sleep(delivered)
        finally:
            self._answered.set()
            if self._http is not None:
                self._http.close()

    def _round(self) -> bool:
        """Says what there is to say; False when the server is away."""
        try:
            http = self._connected()
            if self.run is None:
                self._start(http)
            if self.run is not None:
                self._say_all(http, str(self.run["uid"]))
        except ServerAway as away:
            self._stumble(str(away), away.retry_after)
            return False
        except Refused as refusal:
            self._stumble(f"refused for now: {refusal.detail}", None)
            return False
        self._failures = 0
        return True

    def _start(self, http: Http) -> None:
        taken = False
        with self._refusal("start"):
            self.run = wire.start(http, self._process, self._body, self._key, timeout=CALL_TIMEOUT)
            taken = True
        self._refused = not taken
        self._answered.set()
        self._beat_due = time.monotonic() + self._plan.heartbeat
        if taken:
            self._plan.spool.flush(http)

    def _say_all(self, http: Http, uid: str) -> None:
        while self._logs:
            with self._state:
                batch = list(self._logs)
            last = batch[-1]
            with self._refusal("log lines"):
                last = batch[wire.send_logs(http, uid, batch, timeout=CALL_TIMEOUT) - 1]
            self._forget_lines(int(last["seq"]))
        if self._complete is None:
            self._beat(http, uid)
            return
        with self._refusal("end"):
            complete_once(http, uid, self._complete, timeout=CALL_TIMEOUT)
        with self._state:
            self._complete = None

    @contextmanager
    def _refusal(self, what: str) -> Iterator[None]:
        """A lasting no concerns only what was said: the rest of the run may still be taken."""
        try:
            yield
        except Refused as refusal:
            if refusal.passing:
                raise
            self._warn(f"the {what} of {self._process} was refused: {refusal.detail}")

    def _forget_lines(self, last_seq: int) -> None:
        """By number, not by count: meanwhile a full queue may have dropped some of them itself."""
        with self._state:
            while self._logs and self._logs[0]["seq"] <= last_seq:
                self._logs.popleft()

    def _beat(self, http: Http, uid: str) -> None:
        with self._state:
            progress, self._progress = self._progress, None
        if progress is None and not (self._plan.heartbeat > 0 and time.monotonic() >= self._beat_due):
            return
        try:
            with self._refusal("progress"):
                wire.beat(http, uid, progress, timeout=CALL_TIMEOUT)
        except (ServerAway, Refused):
            with self._state:
                self._progress = {**(progress or {}), **(self._progress or {})} or None
            raise
        self._beat_due = time.monotonic() + self._plan.heartbeat

    def _connected(self) -> Http:
        if self._http is None:
            target = self._plan.find()
            if target is None:
                raise ServerAway("no server is known: TRACKDESK_URL isn't set and none runs here")
            try:
                self._http = Http(target)
            except ValueError as error:
                raise ServerAway(str(error)) from None
        return self._http

    def _stumble(self, reason: str, retry_after: float | None) -> None:
        self._failures += 1
        pause = min(_LONGEST_PAUSE, 2.0 ** (self._failures - 1))
        self._retry_at = time.monotonic() + max(pause, min(retry_after or 0.0, _LONGEST_PAUSE))
        if self._http is not None:
            self._http.close()
            self._http = None
        self._warn(f"{reason}; reports are kept and sent later")
        if self.run is None and not self._start_kept:
            # At once, so that a job that is killed before the end has left at least that it began.
            plan = self._plan
            report = Report(self._process, plan.url, plan.namespace, key=self._key, start=self._body)
            self._start_kept = plan.spool.save(report)
        self._answered.set()

    def _sleep(self, delivered: bool) -> None:
        with self._state:
            if delivered:
                # A moment's rest gathers what a busy job says into few calls.
                self._state.wait_for(self._is_ending, _PACE)
                self._state.wait_for(self._has_news, self._until_beat())
            else:
                self._state.wait_for(self._is_ending, max(0.0, self._retry_at - time.monotonic()))

    def _is_ending(self) -> bool:
        return self._ending

    def _has_news(self) -> bool:
        return self._ending or bool(self._logs) or self._progress is not None

    def _until_beat(self) -> float | None:
        return max(0.0, self._beat_due - time.monotonic()) if self._plan.heartbeat > 0 else None
