"""Calls about what is expected of processes."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import process, trial
from trackdesk.domain.identity import Permission

PROCESS_PUT: Final = Endpoint[process.Process](
    "processes.put",
    (("PUT", "/v1/processes/{process}"),),
    Permission.OPERATE,
    "Say all that is expected of a process: what is absent takes its default; 201 when it made the process",
    process.Process,
    body=process.ChangeProcess,
    body_required=False,
    if_match=True,
    makes=True,
    errors=(409,),
)
PROCESS_DELETE: Final = Endpoint[None](
    "processes.delete",
    (("DELETE", "/v1/processes/{process}"),),
    Permission.OPERATE,
    "Delete a process with its runs; none may be ACTIVE",
    status=204,
    errors=(409,),
)
PROCESS_PAUSE: Final = Endpoint[process.Process](
    "processes.pause",
    (("POST", "/v1/processes/{process}/pause"),),
    Permission.OPERATE,
    "Expect nothing of a process and tell nobody of its runs, until it is resumed or a time has come",
    process.Process,
    body=process.PauseProcess,
    body_required=False,
)
PROCESS_RESUME: Final = Endpoint[process.Process](
    "processes.resume",
    (("POST", "/v1/processes/{process}/resume"),),
    Permission.OPERATE,
    "End the pause of a process: it is expected anew from now on",
    process.Process,
)
PROCESS_TEST: Final = Endpoint[trial.Trial](
    "processes.test",
    (("POST", "/v1/processes/{process}/test"),),
    Permission.READ,
    "What a changed expectation would have alerted, had it stood while the stored runs ran; changes nothing",
    trial.Trial,
    body=trial.TryProcess,
    body_required=False,
)
