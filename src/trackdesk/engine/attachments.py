"""Operations on files that are attached to incidents.

A file comes to the disk before the row that names it, and goes after it. What is between is in `loose_files`, so that a
server that was killed there finds it again; see `sweep`.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from trackdesk.domain.attachment import MAX_FILES, MAX_STORED, file_name
from trackdesk.domain.errors import Conflict
from trackdesk.domain.incident import incident_ref
from trackdesk.store import attachments, incidents
from trackdesk.store.errors import StoreError
from trackdesk.store.faultpoint import reach

if TYPE_CHECKING:
    from trackdesk.domain.attachment import Attachment
    from trackdesk.domain.identity import Caller
    from trackdesk.engine.core import Engine
    from trackdesk.store.depot import Depot, Incoming
    from trackdesk.store.writer import Tx, Writer

log = logging.getLogger(__name__)

_STEP = 200
"""Files that are removed at once."""


async def add(engine: Engine, caller: Caller, incident_id: int, given_name: str, incoming: Incoming) -> Attachment:
    """Attach a file that has ended. Raises NotFound, Conflict `attachments_full`; the file is gone then."""
    depot, sha256 = engine.depot, incoming.sha256
    name = file_name(given_name)

    def attach(tx: Tx) -> Attachment:
        _check(tx, caller, incident_id, incoming)
        made = attachments.add(tx, incident_id, name, incoming.size, sha256, caller.actor)
        facts = {"attachment": made.id, "name": name, "size": made.size}
        tx.journal(caller.namespace_id, "incidents", "attached", str(incident_id), caller.actor, facts)
        return made

    def announce(tx: Tx) -> None:
        _check(tx, caller, incident_id, incoming)
        attachments.let_loose(tx, sha256)

    async with depot.lock:
        await engine.writer.run(announce)
        reach("attachments.before_place")
        await asyncio.to_thread(depot.place, incoming)
        reach("attachments.after_place")
        return await engine.writer.run(attach)


def _check(tx: Tx, caller: Caller, incident_id: int, incoming: Incoming) -> None:
    """Raises NotFound, Conflict."""
    incidents.get(tx, caller.namespace_id, incident_id)
    if attachments.count(tx, incident_id) >= MAX_FILES:
        detail = f"{incident_ref(incident_id)} has {MAX_FILES} attachments already, which is all it may have."
        raise Conflict(detail, code="attachments_full")
    if not attachments.is_stored(tx, incoming.sha256) and attachments.stored(tx) + incoming.size > MAX_STORED:
        detail = f"Attachments may take {MAX_STORED >> 30} GiB in all, and with this file they would take more."
        raise Conflict(detail, code="attachments_full")


async def delete(engine: Engine, caller: Caller, incident_id: int, attachment_id: int) -> None:
    """Raises NotFound."""

    def operation(tx: Tx) -> None:
        incidents.get(tx, caller.namespace_id, incident_id)
        gone = attachments.delete(tx, incident_id, attachment_id)
        facts = {"attachment": attachment_id, "name": gone.name, "by": gone.author}
        tx.journal(caller.namespace_id, "incidents", "attachment_deleted", str(incident_id), caller.actor, facts)

    await engine.writer.run(operation)
    await sweep_at_once(engine)


async def sweep_at_once(engine: Engine) -> None:
    """`sweep` behind a deletion, which stands whatever becomes of the files: what could not be removed now is when the
    house is tidied next."""
    try:
        await sweep(engine.writer, engine.depot)
    except StoreError as error:
        log.warning("files that no attachment needs any more are still there: %s", error)


async def sweep(writer: Writer, depot: Depot) -> int:
    """Remove the files that no attachment needs any more; gives how many. Raises StoreError."""
    removed = 0
    while True:
        async with depot.lock:
            unneeded = await writer.run(lambda tx: attachments.loose(tx, _STEP))
            if not unneeded:
                return removed
            reach("attachments.before_remove")
            removed += await asyncio.to_thread(depot.remove, unneeded)
            await writer.run(partial(attachments.settle, hashes=unneeded))


async def sweep_at_start(writer: Writer, depot: Depot) -> int:
    """Also what was being uploaded when the last server ended; nothing may be uploaded yet. Raises StoreError."""
    return await asyncio.to_thread(depot.sweep_parts) + await sweep(writer, depot)
