"""Keys, the journal, and trackdesk itself. The live stream is `Client.live`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.client.group import Group
from trackdesk.contract import operations

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.identity import Key, MadeKey, Readiness, Whoami
    from trackdesk.domain.incident import JournalEntry
    from trackdesk.domain.page import Page


class Keys(Group):
    async def list(self, query: Query = None) -> Page[Key]:
        return await self._call(operations.KEY_LIST, query=query)

    async def add(self, body: Body) -> MadeKey:
        return await self._call(operations.KEY_ADD, body=body)

    async def patch(self, key: int, body: Body) -> Key:
        return await self._call(operations.KEY_PATCH, path={"key": key}, body=body)

    async def delete(self, key: int) -> None:
        await self._call(operations.KEY_DELETE, path={"key": key})

    async def whoami(self) -> Whoami:
        return await self._call(operations.WHOAMI)


class Journal(Group):
    async def list(self, query: Query = None) -> Page[JournalEntry]:
        return await self._call(operations.JOURNAL_LIST, query=query)


class Operations(Group):
    async def healthz(self) -> dict[str, str]:
        return await self._call(operations.HEALTHZ)

    async def readyz(self) -> Readiness:
        """Also when the server is not ready; `ready` says so."""
        answer = await self._client.send(operations.READYZ, accept=frozenset({503}))
        return operations.READYZ.reply_adapter().validate_json(answer)

    async def metrics(self) -> str:
        return (await self._client.send(operations.METRICS)).decode()

    async def openapi(self) -> dict[str, Any]:
        return await self._call(operations.OPENAPI)

    async def docs(self) -> str:
        return (await self._client.send(operations.DOCS)).decode()
