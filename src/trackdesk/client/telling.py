"""Departments, the inbox, channels and deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import telling

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.notification import Channel, Delivery, Department, Notification, UnreadCount
    from trackdesk.domain.page import Page


class Departments(Group):
    async def list(self, query: Query = None) -> Page[Department]:
        return await self._call(telling.DEPARTMENT_LIST, query=query)

    async def add(self, body: Body) -> Department:
        return await self._call(telling.DEPARTMENT_ADD, body=body)

    async def get(self, department: str) -> Department:
        return await self._call(telling.DEPARTMENT_GET, path={"department": department})

    async def patch(self, department: str, body: Body) -> Department:
        return await self._call(telling.DEPARTMENT_PATCH, path={"department": department}, body=body)

    async def delete(self, department: str) -> None:
        await self._call(telling.DEPARTMENT_DELETE, path={"department": department})


class Notifications(Group):
    async def list(self, query: Query = None) -> Page[Notification]:
        return await self._call(telling.NOTIFICATION_LIST, query=query)

    async def get(self, notification: int) -> Notification:
        return await self._call(telling.NOTIFICATION_GET, path={"notification": notification})

    async def read(self, notification: int) -> Notification:
        return await self._call(telling.NOTIFICATION_READ, path={"notification": notification})

    async def unread(self, notification: int) -> Notification:
        return await self._call(telling.NOTIFICATION_UNREAD, path={"notification": notification})

    async def read_all(self) -> None:
        await self._call(telling.NOTIFICATION_READ_ALL)

    async def unread_count(self) -> UnreadCount:
        return await self._call(telling.NOTIFICATION_COUNT)


class Channels(Group):
    async def list(self, query: Query = None) -> Page[Channel]:
        return await self._call(telling.CHANNEL_LIST, query=query)

    async def add(self, body: Body) -> Channel:
        return await self._call(telling.CHANNEL_ADD, body=body)

    async def get(self, channel: int) -> Channel:
        return await self._call(telling.CHANNEL_GET, path={"channel": channel})

    async def patch(self, channel: int, body: Body, *, if_match: int | None = None) -> Channel:
        return await self._call(telling.CHANNEL_PATCH, path={"channel": channel}, body=body, if_match=if_match)

    async def delete(self, channel: int) -> None:
        await self._call(telling.CHANNEL_DELETE, path={"channel": channel})

    async def test(self, channel: int) -> Delivery:
        return await self._call(telling.CHANNEL_TEST, path={"channel": channel})


class Deliveries(Group):
    async def list(self, query: Query = None) -> Page[Delivery]:
        return await self._call(telling.DELIVERY_LIST, query=query)

    async def retry(self, delivery: int) -> Delivery:
        return await self._call(telling.DELIVERY_RETRY, path={"delivery": delivery})
