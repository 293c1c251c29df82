"""Processes and what is expected of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import expectations, work

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.page import Page
    from trackdesk.domain.process import Process
    from trackdesk.domain.trial import Trial


class Processes(Group):
    async def list(self, query: Query = None) -> Page[Process]:
        return await self._call(work.PROCESS_LIST, query=query)

    async def get(self, process: str) -> Process:
        return await self._call(work.PROCESS_GET, path={"process": process})

    async def patch(self, process: str, body: Body, *, if_match: int | None = None) -> Process:
        return await self._call(work.PROCESS_PATCH, path={"process": process}, body=body, if_match=if_match)

    async def put(self, process: str, body: Body = None, *, if_match: int | None = None) -> Process:
        return await self._call(expectations.PROCESS_PUT, path={"process": process}, body=body, if_match=if_match)

    async def delete(self, process: str) -> None:
        await self._call(expectations.PROCESS_DELETE, path={"process": process})

    async def pause(self, process: str, body: Body = None) -> Process:
        return await self._call(expectations.PROCESS_PAUSE, path={"process": process}, body=body)

    async def resume(self, process: str) -> Process:
        return await self._call(expectations.PROCESS_RESUME, path={"process": process})

    async def test(self, process: str, body: Body = None) -> Trial:
        return await self._call(expectations.PROCESS_TEST, path={"process": process}, body=body)
