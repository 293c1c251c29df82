"""How the verbs that look and triage reach the server: one client, one loop, one exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from trackdesk.cli import exits
from trackdesk.cli.common import complain, print_json, say, settings_of, target_of
from trackdesk.cli.table import show
from trackdesk.domain.errors import Invalid, NotFound, TrackdeskError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from trackdesk.cli.table import Cell, Column
    from trackdesk.client import Client
    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.domain.model import Value
    from trackdesk.domain.page import Page
    from trackdesk.sdk.locate import Target
    from trackdesk.settings import Settings


T = TypeVar("T")
N = TypeVar("N")
_PAGE: Final = 1000
"""Rows of one page, the most there are."""


def with_client(
    args: argparse.Namespace, work: Callable[[Client], Awaitable[int]], flags: Mapping[str, str] | None = None
) -> int:
    """Runs `work` and gives its exit code. Raises what the client raises, naming what was typed: `flags` says by which
    flag a member or parameter was given."""
    from trackdesk.client import Client
    from trackdesk.sdk.http import actor

    settings = settings_of(args)
    target = target_of(settings)
    _send_kept(settings, target)

    async def main() -> int:
        async with Client(target.url, target.api_key, namespace=target.namespace, actor=actor()) as client:
            return await work(client)

    try:
        return asyncio.run(main())
    except TrackdeskError as error:
        _name_flags(error, flags or {})
        raise


def _name_flags(error: TrackdeskError, flags: Mapping[str, str]) -> None:
    """Puts the flags in place of the API's own names in what the error says."""
    if not any(each.field in flags for each in error.errors):
        return
    said = "; ".join(f"{flags.get(each.field, each.field)}: {each.message}" for each in error.errors)
    for name, flag in flags.items():
        said = said.replace(f"`{name}`", flag)
    error.detail = said
    error.args = (said,)


def _send_kept(settings: Settings, target: Target) -> None:
    """What earlier commands couldn't send goes first, so that what is shown has it."""
    from trackdesk.sdk.http import Http
    from trackdesk.sdk.spool import Spool

    spool = Spool(settings.spool)
    if not spool.is_empty():
        with Http(target) as http:
            spool.flush(http)


async def listed(
    client: Client,
    endpoint: Endpoint[Page[T]],
    query: Mapping[str, Any] | None = None,
    *,
    path: Mapping[str, str | int] | None = None,
    most: int | None = None,
) -> list[T]:
    """What a list has, page after page: all of it, or `most`. Members of the query without a value are left out."""
    given = {name: value for name, value in (query or {}).items() if value}
    found: list[T] = []
    async for page in client.pages(endpoint, path=path, query={**given, "limit": min(most or _PAGE, _PAGE)}):
        found += page.data
        if most and len(found) >= most:
            return found[:most]
    return found


def one_by_one(
    args: argparse.Namespace,
    names: Iterable[N],
    change: Callable[[Client, N], Awaitable[Value | None]],
    done: Callable[[N, Any], str],
    called: Callable[[N], str] = str,
) -> int:
    """Changes each: a line for each, by `done` or with what is wrong with the one that is `called` so; what they are
    now with `--json`. Gives the exit code of what went wrong, FAILED when only some did or each in its own way."""

    async def work(client: Client) -> int:
        wanted, changed, codes = list(dict.fromkeys(names)), [], []
        for name in wanted:
            try:
                found = await change(client, name)
            except TrackdeskError as error:
                complain(f"{called(name)}: {error.detail}")
                codes.append(exits.for_status(error.status))
                continue
            changed += [found] if found is not None else []
            say(args, done(name, found))
        if args.json and changed:
            print_json(plain(changed))
        if not codes:
            return exits.OK
        return codes[0] if len(codes) == len(wanted) and len(set(codes)) == 1 else exits.FAILED

    return with_client(args, work)


def plain(value: Any) -> Any:
    """A model, or a list of them, as JSON values in the API's own words."""
    return [plain(each) for each in value] if isinstance(value, list) else value.model_dump(mode="json")


def show_list(
    args: argparse.Namespace,
    found: Sequence[T],
    columns: Sequence[Column],
    row: Callable[[T], Sequence[Cell | str]],
    empty: str,
    only: Callable[[T], str] | None = None,
) -> int:
    """As JSON, by `only` as a word a line, or as a table, for which `empty` stands when there is nothing. Gives the
    exit code."""
    if args.json:
        print_json(plain(list(found)))
    elif only is not None:
        print("".join(f"{only(each)}\n" for each in found), end="")
    else:
        show(columns, [row(each) for each in found], empty)
    return exits.OK


def pick(things: Sequence[Any], what: str, text: str) -> Any:
    """The one thing whose id or name is `text`. Raises NotFound, and Invalid when several have that name."""
    found = [each for each in things if str(each.id) == text] or [each for each in things if each.name == text]
    if not found:
        raise NotFound(f"There is no {what} {text}.")
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise Invalid(what, f"expected an id, for {text!r} is the name of {ids}")
    return found[0]
