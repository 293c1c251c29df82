"""Runs and processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.engine import processes, runs
from trackdesk.store import log_lists, process_lists, run_lists

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from trackdesk.domain.page import Page
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import LogLine, LogsAccepted, Run
    from trackdesk.server.call import Call, Handler


def start(call: Call) -> Awaitable[Run]:
    return runs.start(call.engine, call.caller, call.path["process"], call.body, call.once)


async def list_runs(call: Call) -> Page[Run]:
    engine = call.engine
    return await run_lists.page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def get(call: Call) -> Run:
    return await run_lists.get(call.engine.readers, call.caller.namespace_id, call.address())


async def patch(call: Call) -> Run:
    return await runs.patch(call.engine, call.caller, call.address(), call.body)


async def complete(call: Call) -> Run:
    return await runs.complete(call.engine, call.caller, call.address(), call.body)


async def delete(call: Call) -> None:
    await runs.delete(call.engine, call.caller, call.address())


async def log(call: Call) -> LogsAccepted:
    lines = call.body if isinstance(call.body, list) else [call.body]
    return await runs.log(call.engine, call.caller, call.address(), lines)


async def logs(call: Call) -> Page[LogLine]:
    return await log_lists.page(call.engine.readers, call.caller.namespace_id, call.address(), call.query)


async def list_processes(call: Call) -> Page[Process]:
    engine = call.engine
    return await process_lists.page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def get_process(call: Call) -> Process:
    return await process_lists.get(call.engine.readers, call.caller.namespace_id, call.path["process"])


async def patch_process(call: Call) -> Process:
    return await processes.patch(call.engine, call.caller, call.path["process"], call.body, call.if_match)


HANDLERS: Final[dict[str, Handler]] = {
    "runs.start": start,
    "runs.list": list_runs,
    "runs.get": get,
    "runs.patch": patch,
    "runs.complete": complete,
    "runs.delete": delete,
    "runs.log": log,
    "runs.logs": logs,
    "processes.list": list_processes,
    "processes.get": get_process,
    "processes.patch": patch_process,
}
