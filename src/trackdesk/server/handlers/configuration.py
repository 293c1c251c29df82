"""All that is set up at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.engine import configuration

if TYPE_CHECKING:
    from trackdesk.domain.configuration import Applied
    from trackdesk.server.call import Call, Handler


async def apply(call: Call) -> Applied:
    return await configuration.apply(call.engine, call.caller, call.body)


HANDLERS: Final[dict[str, Handler]] = {"configuration.apply": apply}
