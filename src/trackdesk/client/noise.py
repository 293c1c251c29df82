"""Silences and maintenance windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import noise

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.maintenance import Maintenance as MaintenanceValue
    from trackdesk.domain.page import Page
    from trackdesk.domain.silence import Preview, Silence


class Silences(Group):
    async def list(self, query: Query = None) -> Page[Silence]:
        return await self._call(noise.SILENCE_LIST, query=query)

    async def add(self, body: Body) -> Silence:
        return await self._call(noise.SILENCE_ADD, body=body)

    async def preview(self, body: Body) -> Preview:
        return await self._call(noise.SILENCE_PREVIEW, body=body)

    async def get(self, silence: int) -> Silence:
        return await self._call(noise.SILENCE_GET, path={"silence": silence})

    async def patch(self, silence: int, body: Body, *, if_match: int | None = None) -> Silence:
        return await self._call(noise.SILENCE_PATCH, path={"silence": silence}, body=body, if_match=if_match)

    async def end(self, silence: int) -> None:
        await self._call(noise.SILENCE_END, path={"silence": silence})


class Maintenance(Group):
    async def list(self, query: Query = None) -> Page[MaintenanceValue]:
        return await self._call(noise.MAINTENANCE_LIST, query=query)

    async def add(self, body: Body) -> MaintenanceValue:
        return await self._call(noise.MAINTENANCE_ADD, body=body)

    async def get(self, maintenance: int) -> MaintenanceValue:
        return await self._call(noise.MAINTENANCE_GET, path={"maintenance": maintenance})

    async def patch(self, maintenance: int, body: Body, *, if_match: int | None = None) -> MaintenanceValue:
        path = {"maintenance": maintenance}
        return await self._call(noise.MAINTENANCE_PATCH, path=path, body=body, if_match=if_match)

    async def delete(self, maintenance: int) -> None:
        await self._call(noise.MAINTENANCE_DELETE, path={"maintenance": maintenance})
