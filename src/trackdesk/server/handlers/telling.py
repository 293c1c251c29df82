"""Departments, the inbox, channels and deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.domain.notification import UnreadCount
from trackdesk.engine import channel_admin, deliveries, departments
from trackdesk.engine import inbox as marks
from trackdesk.store import admin_lists, channel_lists, inbox

if TYPE_CHECKING:
    from trackdesk.domain.notification import Channel, Delivery, Department, Notification
    from trackdesk.domain.page import Page
    from trackdesk.server.call import Call, Handler


async def list_departments(call: Call) -> Page[Department]:
    return await admin_lists.departments(call.engine.readers, call.caller.namespace_id, call.query)


async def add_department(call: Call) -> Department:
    return await departments.add(call.engine, call.caller, call.body)


async def get_department(call: Call) -> Department:
    return await admin_lists.department(call.engine.readers, call.caller.namespace_id, call.path["department"])


async def patch_department(call: Call) -> Department:
    return await departments.patch(call.engine, call.caller, call.path["department"], call.body)


async def delete_department(call: Call) -> None:
    await departments.delete(call.engine, call.caller, call.path["department"])


async def list_notifications(call: Call) -> Page[Notification]:
    return await inbox.page(call.engine.readers, call.caller, call.query)


async def get_notification(call: Call) -> Notification:
    return await inbox.get(call.engine.readers, call.caller, call.number("notification"))


async def read(call: Call) -> Notification:
    return await marks.read(call.engine, call.caller, call.number("notification"))


async def unread(call: Call) -> Notification:
    return await marks.unread(call.engine, call.caller, call.number("notification"))


async def read_all(call: Call) -> None:
    await marks.read_all(call.engine, call.caller)


async def unread_count(call: Call) -> UnreadCount:
    return UnreadCount(count=await inbox.unread_count(call.engine.readers, call.caller))


async def list_channels(call: Call) -> Page[Channel]:
    return await channel_lists.page(call.engine.readers, call.caller.namespace_id, call.query)


async def add_channel(call: Call) -> Channel:
    return await channel_admin.add(call.engine, call.caller, call.body)


async def get_channel(call: Call) -> Channel:
    return await channel_lists.get(call.engine.readers, call.caller.namespace_id, call.number("channel"))


async def patch_channel(call: Call) -> Channel:
    return await channel_admin.patch(call.engine, call.caller, call.number("channel"), call.body, call.if_match)


async def delete_channel(call: Call) -> None:
    await channel_admin.delete(call.engine, call.caller, call.number("channel"))


async def test_channel(call: Call) -> Delivery:
    return await channel_admin.test(call.engine, call.caller, call.number("channel"))


async def list_deliveries(call: Call) -> Page[Delivery]:
    return await channel_lists.deliveries(call.engine.readers, call.caller.namespace_id, call.query)


async def retry(call: Call) -> Delivery:
    return await deliveries.retry(call.engine, call.caller, call.number("delivery"))


HANDLERS: Final[dict[str, Handler]] = {
    "departments.list": list_departments,
    "departments.add": add_department,
    "departments.get": get_department,
    "departments.patch": patch_department,
    "departments.delete": delete_department,
    "notifications.list": list_notifications,
    "notifications.get": get_notification,
    "notifications.read": read,
    "notifications.unread": unread,
    "notifications.read_all": read_all,
    "notifications.unread_count": unread_count,
    "channels.list": list_channels,
    "channels.add": add_channel,
    "channels.get": get_channel,
    "channels.patch": patch_channel,
    "channels.delete": delete_channel,
    "channels.test": test_channel,
    "deliveries.list": list_deliveries,
    "deliveries.retry": retry,
}
