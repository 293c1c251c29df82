"""How the verbs that look and triage reach the server: one client, one loop, one exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from trackdesk.cli.common import settings_of, target_of
from trackdesk.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Sequence

    from trackdesk.client import Client
    from trackdesk.sdk.locate import Target
    from trackdesk.settings import Settings


def with_client(args: argparse.Namespace, work: Callable[[Client], Awaitable[int]]) -> int:
    """Runs `work` and gives its exit code. Raises what the client raises."""
    from trackdesk.client import Client
    from trackdesk.sdk.http import actor

    settings = settings_of(args)
    target = target_of(settings)
    _send_kept(settings, target)

    async def main() -> int:
        async with Client(target.url, target.api_key, namespace=target.namespace, actor=actor()) as client:
            return await work(client)

    return asyncio.run(main())


def _send_kept(settings: Settings, target: Target) -> None:
    """What earlier commands couldn't send goes first, so that what is shown has it."""
    from trackdesk.sdk.http import Http
    from trackdesk.sdk.spool import Spool

    spool = Spool(settings.spool)
    if not spool.is_empty():
        with Http(target) as http:
            spool.flush(http)


def plain(value: Any) -> Any:
    """A model, or a list of them, as JSON values in the API's own words."""
    return [plain(each) for each in value] if isinstance(value, list) else value.model_dump(mode="json")


def pick(things: Sequence[Any], what: str, text: str) -> Any:
    """The one thing whose id or name is `text`. Raises NotFound, and Invalid when several have that name."""
    found = [each for each in things if str(each.id) == text] or [each for each in things if each.name == text]
    if not found:
        raise NotFound(f"There is no {what} {text}.")
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise Invalid(what, f"expected an id, for {text!r} is the name of {ids}")
    return found[0]
