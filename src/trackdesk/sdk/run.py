"""`track`: a job reports itself, as a block, or as a function each of whose calls is a run."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from trackdesk.sdk import locate, values
from trackdesk.sdk.body import start_body
from trackdesk.sdk.reporter import Plan, Reporter
from trackdesk.sdk.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_log = logging.getLogger("trackdesk")
_P = ParamSpec("_P")
_R = TypeVar("_R")
_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR", "CRITICAL": "ERROR"}


class Run:
    """A run that is under way. Nothing here raises or waits because of trackdesk."""

    def __init__(self, name: str, reporter: Reporter | None) -> None:
        self.name = name
        self._reporter = reporter

    @property
    def uid(self) -> str | None:
        """None while the server hasn't answered yet, or when tracking is off."""
        return self._answer("uid")

    @property
    def id(self) -> str | None:
        """The run's id within its process, under the same condition as `uid`."""
        return self._answer("id")

    def log(self, message: object, level: str = "INFO", **data: Any) -> None:
        """A line of the run's log. An unknown level counts as INFO; `data` is kept beside the message."""
        if self._reporter is not None:
            self._reporter.log(str(message), _LEVELS.get(str(level).upper(), "INFO"), data)

    def progress(self, done: int, total: int | None = None, **counts: int) -> None:
        """How far the job is; `counts` may be ok, failed and skipped. Also a sign of life."""
        if self._reporter is not None:
            known = {"done": done, "total": total, **counts}
            self._reporter.progress({key: max(0, int(value)) for key, value in known.items() if value is not None})

    def _answer(self, key: str) -> str | None:
        run = self._reporter.run if self._reporter is not None else None
        return None if run is None else str(run.get(key))


class track:  # noqa: N801 - read as a verb, like contextlib.suppress
    """A context manager that gives a `Run`, and a decorator for functions and coroutine functions.

    The run ends COMPLETED, or FAILED with the traceback when an exception leaves it, which goes on its way unchanged.
    A server that is away delays the start by at most two seconds and nothing else; the report is spooled and sent
    later. `deadline` is a duration ("30m"), an RFC 3339 time or a number of seconds from now; `heartbeat` is in
    seconds, 0 for none. Raises ValueError for what the server would never take, before the job begins.
    """

    def __init__(
        self,
        name: str,
        *,
        deadline: str | float | None = None,
        id: str | None = None,  # noqa: A002 - the word of the API
        tags: dict[str, object] | None = None,
        context: dict[str, Any] | None = None,
        category: str | None = None,
        service: str | None = None,
        triggered_by: str | None = None,
        correlation_id: str | None = None,
        total: int | None = None,
        supersede: bool = False,
        heartbeat: float = 30.0,
    ) -> None:
        self._name = values.name("name", name)
        self._heartbeat = max(0.0, heartbeat)
        self._body = start_body(
            deadline=_deadline_text(deadline),
            id=id,
            tags=tags,
            context=context,
            category=category,
            service=service,
            triggered_by=triggered_by,
            correlation_id=correlation_id,
            total=total,
            supersede=supersede,
            heartbeat=self._heartbeat,
        )
        self._reporter: Reporter | None = None

    def __enter__(self) -> Run:
        environ = locate.environment()
        if locate.is_enabled(environ):
            self._reporter = Reporter(plan_from(environ, _log.warning, self._heartbeat), self._name, self._body)
            self._reporter.begin()
        return Run(self._name, self._reporter)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        reporter, self._reporter = self._reporter, None
        if reporter is None:
            return
        if error is None or (isinstance(error, SystemExit) and error.code in {None, 0}):
            reporter.finish("COMPLETED")
        else:
            reporter.finish("FAILED", _describe(error))

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        if inspect.iscoroutinefunction(function):
            return cast("Callable[_P, _R]", self._wrap_coroutine(function))

        @functools.wraps(function)
        def tracked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with self._again():
                return function(*args, **kwargs)

        return tracked

    def _wrap_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def tracked(*args: Any, **kwargs: Any) -> Any:
            import asyncio  # noqa: PLC0415 - only where it runs already

            again = self._again()
            await asyncio.to_thread(again.__enter__)
            try:
                result = await function(*args, **kwargs)
            except BaseException:
                await asyncio.to_thread(again.__exit__, *sys.exc_info())
                raise
            await asyncio.to_thread(again.__exit__, None, None, None)
            return result

        return tracked

    def _again(self) -> track:
        """A fresh one with the same settings: calls of one function may overlap."""
        other = track.__new__(track)
        other.__dict__.update(self.__dict__, _reporter=None)
        return other


def plan_from(environ: dict[str, str], warn: Callable[[str], None], heartbeat: float) -> Plan:
    """How a run reports that goes by `environ`."""
    return Plan(
        find=lambda: locate.find(environ),
        spool=Spool(locate.data_dir(environ) / locate.SPOOL_NAME),
        warn=warn,
        url=environ.get("TRACKDESK_URL", "").strip().rstrip("/") or None,
        namespace=environ.get("TRACKDESK_NAMESPACE", "").strip() or None,
        heartbeat=heartbeat,
    )


def _deadline_text(deadline: str | float | None) -> str | None:
    if deadline is None or isinstance(deadline, str):
        return deadline
    if not 0 <= deadline < 10**9:
        raise ValueError(f"deadline: expected a number of seconds from now, 0 or more, not {deadline!r}")
    return f"{round(deadline * 1000)}ms"


def _describe(error: BaseException) -> dict[str, Any]:
    summary = "".join(traceback.format_exception_only(error)).strip() or type(error).__name__
    if isinstance(error, SystemExit):
        summary = f"exit code {error.code}" if isinstance(error.code, int) else f"exit: {error.code}"
    # The end of a long trace is where it broke.
    trace = "".join(traceback.format_exception(error))[-values.MAX_BACKTRACE :]
    return {"message": values.text(summary, 2_000), "backtrace": values.text(trace, values.MAX_BACKTRACE)}
