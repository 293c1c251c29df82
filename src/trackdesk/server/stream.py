"""The live stream: what happened since, then what happens, without a gap between them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

import orjson
from aiohttp import hdrs, web
from multidict import istr

from trackdesk.contract.live import HEARTBEAT, HEARTBEAT_EVERY, encode_change, encode_resync, encode_start
from trackdesk.domain.errors import Invalid, Unavailable
from trackdesk.domain.identity import Permission
from trackdesk.engine.flow import TOPIC_RATE
from trackdesk.engine.hub import HubFullError
from trackdesk.server.headers import BASE_HEADERS, REQUEST_ID
from trackdesk.store import journal_lists

if TYPE_CHECKING:
    from trackdesk.domain.incident import JournalEntry
    from trackdesk.engine.flow import StreamEvent
    from trackdesk.engine.hub import Subscription
    from trackdesk.server.call import Call

LAST_EVENT_ID: Final = istr("Last-Event-ID")
MAX_REPLAY: Final = 1_000
"""Journal rows that are told one by one to someone who comes back; beyond it, reading the lists again is cheaper."""
WRITE_SECONDS: Final = 60.0
"""How long a watcher may take nothing at all before it is let go."""
STREAM_HEADERS: Final = {
    **BASE_HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",
}


async def stream(call: Call) -> web.StreamResponse:
    """Sends until the watcher goes, its key is revoked, or the server stops."""
    headers = {**STREAM_HEADERS, REQUEST_ID: call.request_id}
    since = _since(call)
    if call.request.method == hdrs.METH_HEAD:
        return web.Response(headers=headers)
    topics = frozenset(call.query.topics.split(",")) if call.query.topics else None
    try:
        subscription = call.engine.hub.subscribe(call.caller.namespace_id, topics)
    except HubFullError as error:
        raise Unavailable(f"{error}.", retry_after=10) from None
    transport = call.request.transport
    try:
        opening = await _opening(call, subscription, since, topics)
        response = web.StreamResponse(headers=headers)
        await response.prepare(call.request)
        if transport is not None:
            call.house.streams.add(transport)
        await _send(call, response, subscription, opening)
    finally:
        call.house.streams.discard(transport)
        subscription.close()
    return response


async def _send(call: Call, response: web.StreamResponse, subscription: Subscription, opening: bytes) -> None:
    data = opening
    while not subscription.closed:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await response.write(data)
        except TimeoutError:
            raise ConnectionResetError("a watcher of the live stream took nothing") from None
        events = await subscription.next(HEARTBEAT_EVERY)
        if not call.house.door.still_valid(call.request.headers, Permission.READ):
            return
        data = b"".join(map(_encoded, events)) or HEARTBEAT


async def _opening(call: Call, subscription: Subscription, since: int | None, topics: frozenset[str] | None) -> bytes:
    """The place to resume from, and what the journal has since then.

    The subscription stands already, so that whatever is committed while the journal is read is in one or the other;
    what is in both is skipped by its number.
    """
    readers = call.engine.readers
    oldest, newest = await journal_lists.resumable(readers)
    if since is None:
        subscription.skip_to(newest)
        return encode_start(newest)
    if not oldest <= since <= newest:
        subscription.skip_to(newest)
        return encode_resync(newest, None, "the journal does not reach back to there")
    entries = await journal_lists.since(readers, call.caller.namespace_id, since, MAX_REPLAY + 1)
    if len(entries) > MAX_REPLAY:
        subscription.skip_to(newest)
        return encode_resync(newest, None, f"more than {MAX_REPLAY} changes since then")
    position = max(newest, entries[-1].seq if entries else 0)
    subscription.skip_to(position)
    return _replay([entry for entry in entries if topics is None or entry.topic in topics]) + encode_start(position)


def _replay(entries: list[JournalEntry]) -> bytes:
    """Each change, or one resync for a topic with too many of them."""
    counts = Counter(entry.topic for entry in entries)
    parts: list[bytes] = []
    for entry in entries:
        if counts[entry.topic] <= TOPIC_RATE:
            changed = orjson.dumps(entry.changed).decode()
            parts.append(encode_change(entry.seq, entry.topic, entry.at, entry.kind, entry.ref, entry.actor, changed))
    if entries:
        last = entries[-1].seq
        fast = [topic for topic, count in counts.items() if count > TOPIC_RATE]
        parts += [encode_resync(last, topic, f"more than {TOPIC_RATE} changes since then") for topic in fast]
    return b"".join(parts)


def _encoded(event: StreamEvent) -> bytes:
    if event.resync is not None:
        return encode_resync(event.id, event.topic, event.resync)
    assert event.topic is not None
    return encode_change(event.id, event.topic, event.at, event.kind, event.ref, event.actor, event.changed)


def _since(call: Call) -> int | None:
    """`Last-Event-ID` wins: a browser that reconnects sends it beside the address it first used."""
    last = call.request.headers.get(LAST_EVENT_ID)
    if last is None:
        since: int | None = call.query.since
        return since
    if not (last.isascii() and last.isdigit() and len(last) <= 18):
        raise Invalid("Last-Event-ID", "expected the id of an event of this stream", last)
    return int(last)
