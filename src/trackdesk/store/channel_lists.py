"""Reading channels and what was sent over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import NotFound
from trackdesk.domain.notification import Attempt, Channel, Delivery
from trackdesk.domain.page import Page
from trackdesk.store.conditions import Part, among, every, one_of
from trackdesk.store.keyset import Listed, Walk, make_page, page_of, read_position, rows_of, total_of
from trackdesk.store.rows import (
    ATTEMPT_COLUMNS,
    CHANNEL_COLUMNS,
    CHANNEL_PENDING,
    DELIVERY_COLUMNS,
    DELIVERY_FROM,
    attempt_from,
    channel_from,
    delivery_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.filters import DeliveryFilter, Listing
    from trackdesk.store.readers import Readers

_CHANNEL = f"{CHANNEL_COLUMNS}, {CHANNEL_PENDING}"
_AT = CHANNEL_COLUMNS.count(",") + 1


async def page(readers: Readers, namespace_id: int, given: Listing) -> Page[Channel]:
    """By name."""
    start = read_position(given.cursor, "name", "s")
    walk = Walk("channels c", Part("c.namespace_id = ?", (namespace_id,)), ("c.name",))
    listed = Listed(_CHANNEL, (walk,), descending=False)
    return await page_of(
        Page[Channel],
        readers,
        listed,
        start,
        given.limit,
        "name",
        value=lambda row: channel_from(row, row[_AT]),
        position=lambda row: [row[1]],
    )


async def get(readers: Readers, namespace_id: int, channel_id: int) -> Channel:
    """Raises NotFound."""
    row = await readers.one(
        f"SELECT {_CHANNEL} FROM channels c WHERE c.id = ? AND +c.namespace_id = ?", (channel_id, namespace_id)
    )
    if row is None:
        raise NotFound(f"There is no channel {channel_id}.")
    return channel_from(row, row[_AT])


async def deliveries(readers: Readers, namespace_id: int, given: DeliveryFilter) -> Page[Delivery]:
    """Newest first, with their attempts."""
    start = read_position(given.cursor, "-id", "i")
    listed = _deliveries(namespace_id, given)
    rows = await rows_of(readers, listed, start, given.limit + 1)
    shown = await with_attempts(readers, [delivery_from(row) for row in rows[: given.limit]])
    by_id = {each.id: each for each in shown}
    return make_page(
        Page[Delivery],
        rows,
        given.limit,
        "-id",
        value=lambda row: by_id[row[0]],
        position=lambda row: [row[0]],
        total=await total_of(readers, listed),
    )


async def delivery(readers: Readers, namespace_id: int, delivery_id: int) -> Delivery:
    """With its attempts. Raises NotFound."""
    row = await readers.one(
        f"SELECT {DELIVERY_COLUMNS} FROM {DELIVERY_FROM} WHERE d.id = ? AND +d.namespace_id = ?",
        (delivery_id, namespace_id),
    )
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return (await with_attempts(readers, [delivery_from(row)]))[0]


async def with_attempts(readers: Readers, given: Sequence[Delivery]) -> list[Delivery]:
    """The same deliveries with what was tried so far, oldest first."""
    wanted = among("delivery_id", [each.id for each in given])
    rows = await readers.all(
        f"SELECT {ATTEMPT_COLUMNS}, delivery_id FROM delivery_attempts WHERE {wanted.sql} ORDER BY id", wanted.params
    )
    attempts: dict[int, list[Attempt]] = {}
    for row in rows:
        attempts.setdefault(row[5], []).append(attempt_from(row))
    return [each.model_copy(update={"attempts": attempts.get(each.id, [])}) for each in given]


def _deliveries(namespace_id: int, given: DeliveryFilter) -> Listed:
    """By notification, else by channel, else by status; what was SENT or GROUPED is most of them and found along the
    whole."""
    join = "CROSS JOIN channels c ON c.id = d.channel_id"
    # Each value once: what is walked twice is listed twice.
    statuses, ids = list(dict.fromkeys(map(str, given.status))), list(dict.fromkeys(given.channel))
    residual = [one_of("d.status", statuses)] if statuses else []
    channels = [one_of("d.channel_id", ids)] if ids else []
    space = Part("d.namespace_id = ?", (namespace_id,))
    inside = Part(f"+{space.sql}", space.params)
    if given.notification is not None:
        # A notification has one delivery a channel: few enough to be sorted.
        walks = [Walk("deliveries d", every([one_of("d.notification_id", [given.notification]), inside]), ("d.id",))]
        residual += channels
    elif ids:
        source = "deliveries d INDEXED BY deliveries_by_channel"
        walks = [Walk(source, every([one_of("d.channel_id", [each]), inside]), ("d.id",)) for each in ids]
    elif statuses and not {"SENT", "GROUPED"} & set(statuses):
        unsent = Part("d.status NOT IN ('SENT', 'GROUPED')")
        source, residual = "deliveries d INDEXED BY deliveries_by_status", []
        walks = [Walk(source, every([space, one_of("d.status", [each]), unsent]), ("d.id",)) for each in statuses]
    else:
        walks = [Walk("deliveries d INDEXED BY deliveries_by_namespace", space, ("d.id",))]
    return Listed(DELIVERY_COLUMNS, tuple(walks), join, residual=tuple(residual))
