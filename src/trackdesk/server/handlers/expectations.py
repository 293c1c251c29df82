"""What is expected of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from trackdesk.engine import processes, trial
from trackdesk.server.headers import JSON_HEADERS

if TYPE_CHECKING:
    from trackdesk.domain.process import Process
    from trackdesk.domain.trial import Trial
    from trackdesk.server.call import Call, Handler


async def put(call: Call) -> Process | web.Response:
    process, made = await processes.put(call.engine, call.caller, call.path["process"], call.body, call.if_match)
    if not made:
        return process
    answer = web.Response(body=process.to_json(), status=201, headers=JSON_HEADERS)
    answer.headers[hdrs.ETAG] = f'"{process.version}"'
    return answer


async def delete(call: Call) -> None:
    await processes.delete(call.engine, call.caller, call.path["process"])


async def pause(call: Call) -> Process:
    return await processes.pause(call.engine, call.caller, call.path["process"], call.body)


async def resume(call: Call) -> Process:
    return await processes.resume(call.engine, call.caller, call.path["process"])


async def test(call: Call) -> Trial:
    return await trial.test(call.engine, call.caller, call.path["process"], call.body)


HANDLERS: Final[dict[str, Handler]] = {
    "processes.put": put,
    "processes.delete": delete,
    "processes.pause": pause,
    "processes.resume": resume,
    "processes.test": test,
}
