"""Deleting what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.engine import retention

if TYPE_CHECKING:
    from trackdesk.domain.retention import Cleaned
    from trackdesk.server.call import Call, Handler


async def run(call: Call) -> Cleaned:
    return await retention.cleanup(call.engine, call.caller, call.body)


HANDLERS: Final[dict[str, Handler]] = {"cleanup.run": run}
