"""Operations on the inbox. Read marks are the reader's own and no change of state: the journal has none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.store import inbox, inbox_marks

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.notification import Notification
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx


async def read(engine: Engine, caller: Caller, notification_id: int) -> Notification:
    """Raises NotFound."""

    def operation(tx: Tx) -> None:
        inbox_marks.check_visible(tx, caller.namespace_id, caller.departments, notification_id)
        inbox_marks.read(tx, caller.reader, caller.namespace_id, notification_id)

    await engine.writer.run(operation)
    return await inbox.get(engine.readers, caller, notification_id)


async def unread(engine: Engine, caller: Caller, notification_id: int) -> Notification:
    """Raises NotFound."""

    def operation(tx: Tx) -> None:
        inbox_marks.check_visible(tx, caller.namespace_id, caller.departments, notification_id)
        inbox_marks.unread(tx, caller.reader, caller.namespace_id, notification_id)

    await engine.writer.run(operation)
    return await inbox.get(engine.readers, caller, notification_id)


async def read_all(engine: Engine, caller: Caller) -> None:
    """Everything that is there now."""
    await engine.writer.run(lambda tx: inbox_marks.read_all(tx, caller.reader, caller.namespace_id))
