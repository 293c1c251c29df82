"""Runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.encoding import query_pairs
from trackdesk.client.group import Group, address_path, attempt_query
from trackdesk.contract import work

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.client.group import Address
    from trackdesk.domain.page import Page
    from trackdesk.domain.run import LogLine, LogsAccepted, Run


class Runs(Group):
    async def start(self, process: str, body: Body = None, *, idempotency_key: str | None = None) -> Run:
        return await self._call(work.RUN_START, path={"process": process}, body=body, idempotency_key=idempotency_key)

    async def list(self, query: Query = None) -> Page[Run]:
        return await self._call(work.RUN_LIST, query=query)

    async def get(self, address: Address) -> Run:
        return await self._call(work.RUN_GET, path=address_path(address), query=attempt_query(address))

    async def patch(self, address: Address, body: Body = None) -> Run:
        return await self._call(work.RUN_PATCH, path=address_path(address), query=attempt_query(address), body=body)

    async def complete(self, address: Address, body: Body = None) -> Run:
        return await self._call(work.RUN_COMPLETE, path=address_path(address), query=attempt_query(address), body=body)

    async def delete(self, address: Address) -> None:
        await self._call(work.RUN_DELETE, path=address_path(address), query=attempt_query(address))

    async def log(self, address: Address, body: Body) -> LogsAccepted:
        return await self._call(work.RUN_LOG, path=address_path(address), query=attempt_query(address), body=body)

    async def logs(self, address: Address, query: Query = None) -> Page[LogLine]:
        parameters: dict[str, str | int] = dict(query_pairs(query))  # none of them repeats
        parameters |= attempt_query(address)
        return await self._call(work.RUN_LOGS, path=address_path(address), query=parameters)
