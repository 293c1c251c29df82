"""Operations on deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import Conflict, NotFound
from trackdesk.domain.notification import Delivery, DeliveryStatus
from trackdesk.store import channels, deliveries

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx


async def retry(engine: Engine, caller: Caller, delivery_id: int) -> Delivery:
    """Due at once, with all its attempts before it again. Raises NotFound; Conflict `already_sent`, `grouped` or
    `channel_off`."""
    return await engine.writer.run(lambda tx: _retry(tx, caller, delivery_id))


def _retry(tx: Tx, caller: Caller, delivery_id: int) -> Delivery:
    found = deliveries.get(tx, caller.namespace_id, delivery_id)
    if found is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    if found.status == DeliveryStatus.SENT:
        raise Conflict(f"Delivery {delivery_id} has arrived; there is nothing to try again.", code="already_sent")
    if found.status == DeliveryStatus.GROUPED:
        what = f"went into the message of delivery {found.group}" if found.group else "went into a message that is gone"
        raise Conflict(f"Delivery {delivery_id} {what}; that is what can be tried again.", code="grouped")
    if not channels.get(tx, caller.namespace_id, found.channel).channel.enabled:
        raise Conflict(f"Channel {found.channel_name} is switched off; switch it on first.", code="channel_off")
    deliveries.set_status(tx, delivery_id, DeliveryStatus.PENDING, 0, tx.now)
    tx.wake("delivery", tx.now)
    facts = {"status": [found.status, DeliveryStatus.PENDING], "channel": found.channel}
    tx.journal(caller.namespace_id, "deliveries", "retried", str(delivery_id), caller.actor, facts)
    after = deliveries.get(tx, caller.namespace_id, delivery_id)
    assert after is not None, "it was found in this transaction"
    return after
