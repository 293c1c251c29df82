"""Calls about departments, the inbox, channels and deliveries."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import filters, notification
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

DEPARTMENT_LIST: Final = Endpoint[Page[notification.Department]](
    "departments.list",
    (("GET", "/v1/departments"),),
    Permission.READ,
    "List departments",
    Page[notification.Department],
    query=filters.Listing,
)
DEPARTMENT_ADD: Final = Endpoint[notification.Department](
    "departments.add",
    (("POST", "/v1/departments"),),
    Permission.OPERATE,
    "Make a department",
    notification.Department,
    status=201,
    body=notification.NewDepartment,
    errors=(409,),
)
DEPARTMENT_GET: Final = Endpoint[notification.Department](
    "departments.get",
    (("GET", "/v1/departments/{department}"),),
    Permission.READ,
    "One department",
    notification.Department,
)
DEPARTMENT_PATCH: Final = Endpoint[notification.Department](
    "departments.patch",
    (("PATCH", "/v1/departments/{department}"),),
    Permission.OPERATE,
    "Rename or describe a department",
    notification.Department,
    body=notification.ChangeDepartment,
)
DEPARTMENT_DELETE: Final = Endpoint[None](
    "departments.delete",
    (("DELETE", "/v1/departments/{department}"),),
    Permission.OPERATE,
    "Delete a department that nothing refers to",
    status=204,
    errors=(409,),
)

NOTIFICATION_LIST: Final = Endpoint[Page[notification.Notification]](
    "notifications.list",
    (("GET", "/v1/notifications"),),
    Permission.READ,
    "The inbox of the caller's departments, newest first",
    Page[notification.Notification],
    query=filters.NotificationFilter,
)
NOTIFICATION_GET: Final = Endpoint[notification.Notification](
    "notifications.get",
    (("GET", "/v1/notifications/{notification}"),),
    Permission.READ,
    "One notification with its deliveries and their attempts",
    notification.Notification,
)
NOTIFICATION_READ: Final = Endpoint[notification.Notification](
    "notifications.read",
    (("POST", "/v1/notifications/{notification}/read"),),
    Permission.REPORT,
    "Mark a notification read for the caller",
    notification.Notification,
)
NOTIFICATION_UNREAD: Final = Endpoint[notification.Notification](
    "notifications.unread",
    (("POST", "/v1/notifications/{notification}/unread"),),
    Permission.REPORT,
    "Mark a notification unread for the caller",
    notification.Notification,
)
NOTIFICATION_READ_ALL: Final = Endpoint[None](
    "notifications.read_all",
    (("POST", "/v1/notifications/read-all"),),
    Permission.REPORT,
    "Mark everything in the caller's inbox read",
    status=204,
)
NOTIFICATION_COUNT: Final = Endpoint[notification.UnreadCount](
    "notifications.unread_count",
    (("GET", "/v1/notifications/unread-count"),),
    Permission.READ,
    "How many notifications the caller has not read",
    notification.UnreadCount,
)

CHANNEL_LIST: Final = Endpoint[Page[notification.Channel]](
    "channels.list",
    (("GET", "/v1/channels"),),
    Permission.READ,
    "List channels",
    Page[notification.Channel],
    query=filters.Listing,
)
CHANNEL_ADD: Final = Endpoint[notification.Channel](
    "channels.add",
    (("POST", "/v1/channels"),),
    Permission.OPERATE,
    "Make a channel; only one made by an ADMIN may reach loopback and private addresses",
    notification.Channel,
    status=201,
    body=notification.NewChannel,
    errors=(409,),
)
CHANNEL_GET: Final = Endpoint[notification.Channel](
    "channels.get",
    (("GET", "/v1/channels/{channel}"),),
    Permission.READ,
    "One channel; nothing secret is shown",
    notification.Channel,
)
CHANNEL_PATCH: Final = Endpoint[notification.Channel](
    "channels.patch",
    (("PATCH", "/v1/channels/{channel}"),),
    Permission.OPERATE,
    "Change a channel",
    notification.Channel,
    body=notification.ChangeChannel,
    if_match=True,
    errors=(409,),
)
CHANNEL_DELETE: Final = Endpoint[None](
    "channels.delete",
    (("DELETE", "/v1/channels/{channel}"),),
    Permission.OPERATE,
    "Delete a channel with its deliveries",
    status=204,
)
CHANNEL_TEST: Final = Endpoint[notification.Delivery](
    "channels.test",
    (("POST", "/v1/channels/{channel}/test"),),
    Permission.OPERATE,
    "Send a test message now and answer what came of it",
    notification.Delivery,
)
DELIVERY_LIST: Final = Endpoint[Page[notification.Delivery]](
    "deliveries.list",
    (("GET", "/v1/deliveries"),),
    Permission.READ,
    "List deliveries, newest first",
    Page[notification.Delivery],
    query=filters.DeliveryFilter,
)
DELIVERY_RETRY: Final = Endpoint[notification.Delivery](
    "deliveries.retry",
    (("POST", "/v1/deliveries/{delivery}/retry"),),
    Permission.OPERATE,
    "Try a delivery again at once, also a dead one",
    notification.Delivery,
    errors=(409,),
)
