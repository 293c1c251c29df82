"""Calls about runs and processes."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import filters, process, run
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

_RUN = ("/v1/runs/{uid}", "/v1/processes/{process}/{id}")


def _run(method: str, tail: str = "", *more: str) -> tuple[tuple[str, str], ...]:
    """A call below a run works by uid and by key."""
    return tuple((each, path + tail) for path in _RUN for each in (method, *more))


RUN_START: Final = Endpoint[run.Run](
    "runs.start",
    (("POST", "/v1/processes/{process}"),),
    Permission.INGEST,
    "Start a run of a process; the process is made by its first run",
    run.Run,
    status=201,
    body=run.StartRun,
    body_required=False,
    idempotent=True,
    errors=(409,),
)
RUN_LIST: Final = Endpoint[Page[run.Run]](
    "runs.list", (("GET", "/v1/runs"),), Permission.READ, "List runs", Page[run.Run], query=filters.RunFilter
)
RUN_GET: Final = Endpoint[run.Run](
    "runs.get",
    _run("GET"),
    Permission.READ,
    "One run: the ACTIVE one of that key, else the newest",
    run.Run,
    query=filters.AttemptFilter,
)
RUN_PATCH: Final = Endpoint[run.Run](
    "runs.patch",
    _run("PATCH"),
    Permission.INGEST,
    "Change deadline, tags, context or progress of a run; any PATCH, also an empty one, is a heartbeat",
    run.Run,
    body=run.PatchRun,
    body_required=False,
    query=filters.AttemptFilter,
    errors=(409,),
)
RUN_COMPLETE: Final = Endpoint[run.Run](
    "runs.complete",
    _run("POST", "/complete", "PUT"),
    Permission.INGEST,
    "Finish a run",
    run.Run,
    body=run.CompleteRun,
    body_required=False,
    query=filters.AttemptFilter,
    errors=(409,),
)
RUN_DELETE: Final = Endpoint[None](
    "runs.delete",
    _run("DELETE"),
    Permission.OPERATE,
    "Delete a run with its logs",
    status=204,
    query=filters.AttemptFilter,
)
RUN_LOG: Final = Endpoint[run.LogsAccepted](
    "runs.log",
    _run("POST", "/logs"),
    Permission.INGEST,
    "Append one log line or an array of them",
    run.LogsAccepted,
    status=201,
    body=run.LogInput,
    query=filters.AttemptFilter,
)
RUN_LOGS: Final = Endpoint[Page[run.LogLine]](
    "runs.logs",
    _run("GET", "/logs"),
    Permission.READ,
    "The log of a run, oldest first",
    Page[run.LogLine],
    query=filters.LogFilter,
)

PROCESS_LIST: Final = Endpoint[Page[process.Process]](
    "processes.list",
    (("GET", "/v1/processes"),),
    Permission.READ,
    "List processes",
    Page[process.Process],
    query=filters.ProcessFilter,
)
PROCESS_GET: Final = Endpoint[process.Process](
    "processes.get",
    (("GET", "/v1/processes/{process}"),),
    Permission.READ,
    "One process with its counts and last outcomes",
    process.Process,
)
PROCESS_PATCH: Final = Endpoint[process.Process](
    "processes.patch",
    (("PATCH", "/v1/processes/{process}"),),
    Permission.OPERATE,
    "Change what is expected of a process; it is made when there is none",
    process.Process,
    body=process.ChangeProcess,
    if_match=True,
    errors=(409,),
)
