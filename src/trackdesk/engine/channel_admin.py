"""Operations on channels."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.identity import Role
from trackdesk.domain.instant import format_duration
from trackdesk.domain.notification import DEFAULT_DEPARTMENT, NEVER_CHOSEN, Channel, Delivery, Match
from trackdesk.engine.channels.guard import refusal
from trackdesk.engine.channels.redaction import redact
from trackdesk.engine.channels.urls import is_webhook, validate_url
from trackdesk.engine.edits import check_department, check_version, given
from trackdesk.engine.senders import secret_identity, url_identity
from trackdesk.store import channels, deliveries

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.notification import ChangeChannel, NewChannel
    from trackdesk.engine.core import Engine
    from trackdesk.engine.seal import Seal
    from trackdesk.store.channels import SealedChannel
    from trackdesk.store.writer import Tx

TEST_LIMIT = 15.0
"""Seconds that a caller waits for the outcome of a test."""
STEP = 500
"""Deliveries that are deleted or given up in one operation, so that it holds up nobody."""
_OFF = "the channel was switched off"
_UNFIT = "test, which goes to the tested channel only, and group, which is what a group_window makes"
_NEVER_EMPTY = ("name", "url", "enabled")
_PLAIN = ("name", "department", "min_severity", "kinds", "match", "group_window", "enabled")


async def add(engine: Engine, caller: Caller, body: NewChannel) -> Channel:
    """Raises Invalid; Conflict `exists` or `seal_lost`."""
    await check_url(caller, body.url, body.secret)
    return await engine.writer.run(lambda tx: make(tx, engine.seal, caller, body))


def make(tx: Tx, seal: Seal, caller: Caller, body: NewChannel) -> Channel:
    namespace_id = caller.namespace_id
    plain = {name: getattr(body, name) for name in _PLAIN if name != "enabled"}
    _check_plain(tx, namespace_id, plain, None)
    shown = redact(body.url)
    values = _columns(plain) | {"url_sealed": "", "url_shown": shown, "trusted": int(caller.role == Role.ADMIN)}
    channel_id = channels.insert(tx, namespace_id, values)
    secret_sealed = None if body.secret is None else seal.seal(tx, body.secret, secret_identity(channel_id))
    channels.set_sealed(tx, channel_id, seal.seal(tx, body.url, url_identity(channel_id)), secret_sealed)
    facts = {"name": body.name, "url": shown, "department": body.department}
    tx.journal(namespace_id, "channels", "made", str(channel_id), caller.actor, facts)
    return channels.get(tx, namespace_id, channel_id).channel


async def patch(
    engine: Engine, caller: Caller, channel_id: int, body: ChangeChannel, if_match: int | None = None
) -> Channel:
    """A URL given by anyone but an ADMIN may not reach private addresses, whoever made the channel.

    What waits on a channel that is switched off is given up when this returns, in steps. Raises NotFound, Invalid;
    Conflict `changed`, `exists` or `seal_lost`.
    """
    values = given(body)
    for name in _NEVER_EMPTY:
        if name in values and values[name] is None:
            raise Invalid(name, "expected a value, not null")
    if "url" in values:
        await check_url(caller, values["url"], values.get("secret"))
    after = await engine.writer.run(lambda tx: change(tx, engine.seal, caller, channel_id, values, if_match))
    if values.get("enabled") is False:  # also when it was off before: the server may have died while it gave up
        await give_up_waiting(engine, channel_id)
    return after


async def give_up_waiting(engine: Engine, channel_id: int) -> None:
    """What waits on a channel that is switched off, in steps."""
    while await engine.writer.run(lambda tx: deliveries.drop_waiting(tx, channel_id, _OFF, STEP)):
        pass


def change(
    tx: Tx, seal: Seal, caller: Caller, channel_id: int, values: dict[str, Any], if_match: int | None
) -> Channel:
    namespace_id = caller.namespace_id
    found = channels.get(tx, namespace_id, channel_id)
    before = found.channel
    check_version(tx, namespace_id, "channels", str(channel_id), before.version, if_match)
    if values.get("group_window", 0) is None:
        values = {**values, "group_window": 0}
    plain = {name: values[name] for name in _PLAIN if name in values and getattr(before, name) != values[name]}
    _check_plain(tx, namespace_id, plain, channel_id)
    columns = _columns(plain)
    facts: dict[str, Any] = {
        name: [_shown(name, getattr(before, name)), _shown(name, value)] for name, value in plain.items()
    }
    if "url" in values or "secret" in values:
        columns |= _secrets(tx, seal, caller, found, values)
        facts |= _secret_facts(before, values)
    if not facts:
        return before
    if plain.get("enabled") is False:
        facts["given_up"] = deliveries.count_waiting(tx, channel_id)
    channels.update(tx, namespace_id, channel_id, columns)
    tx.journal(namespace_id, "channels", "changed", str(channel_id), caller.actor, facts)
    return channels.get(tx, namespace_id, channel_id).channel


def _secrets(tx: Tx, seal: Seal, caller: Caller, found: SealedChannel, values: dict[str, Any]) -> dict[str, Any]:
    """The columns that follow from a new url or secret: neither the trust nor the proof of an old one is kept."""
    channel_id, secret = found.channel.id, values.get("secret")
    by_admin = caller.role == Role.ADMIN
    columns: dict[str, Any] = {"trusted": int(by_admin and found.trusted)}
    if "url" in values:
        if "secret" not in values and found.secret_sealed is not None and not is_webhook(values["url"]):
            raise Invalid("secret", "signs webhooks only; send secret: null along with this url")
        columns = {
            "url_sealed": seal.seal(tx, values["url"], url_identity(channel_id)),
            "url_shown": redact(values["url"]),
            "trusted": int(by_admin),
            "proven_at": None,
            "dead_since": None,
            "last_error": None,
        }
    elif secret is not None:
        validate_url(found.channel.url, secret)
    if "secret" in values:
        columns["secret_sealed"] = None if secret is None else seal.seal(tx, secret, secret_identity(channel_id))
    return columns


def _secret_facts(before: Channel, values: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if "url" in values:
        facts["url"] = [before.url, redact(values["url"])]
    if "secret" in values:
        facts["secret"] = ["set" if before.has_secret else None, None if values["secret"] is None else "set anew"]
    return facts


async def delete(engine: Engine, caller: Caller, channel_id: int) -> None:
    """With its deliveries, also those that wait. Raises NotFound.

    The deliveries go first, in steps; were the server to die in between, the channel still stands.
    """
    await engine.writer.run(lambda tx: channels.get(tx, caller.namespace_id, channel_id))
    await forget_deliveries(engine, channel_id)
    await engine.writer.run(lambda tx: remove(tx, caller, channel_id))


async def forget_deliveries(engine: Engine, channel_id: int) -> None:
    """All of a channel, also those that wait, in steps."""
    while await engine.writer.run(lambda tx: deliveries.forget(tx, channel_id, STEP)):
        pass


def remove(tx: Tx, caller: Caller, channel_id: int) -> None:
    name = channels.delete(tx, caller.namespace_id, channel_id)
    tx.journal(caller.namespace_id, "channels", "deleted", str(channel_id), caller.actor, {"name": name})


async def test(engine: Engine, caller: Caller, channel_id: int) -> Delivery:
    """Send a test message, once and now; waits up to 15 s for the outcome. Raises NotFound."""
    delivery_id = await engine.writer.run(lambda tx: _test(tx, caller, channel_id))
    await engine.delivery.send_now(delivery_id, TEST_LIMIT)
    delivery = await engine.writer.run(lambda tx: deliveries.get(tx, caller.namespace_id, delivery_id))
    if delivery is None:  # deleted with its channel meanwhile
        raise channels.no_channel(channel_id)
    return delivery


def _test(tx: Tx, caller: Caller, channel_id: int) -> int:
    channel = channels.get(tx, caller.namespace_id, channel_id).channel
    delivery_id = deliveries.add_test(
        tx,
        caller.namespace_id,
        channel_id,
        channel.department or DEFAULT_DEPARTMENT,
        title=f"Test of channel {channel.name}"[:255],
        body=f"{caller.actor} tests the channel {channel.name} of trackdesk. If you can read this, it works.",
    )
    tx.journal(caller.namespace_id, "channels", "tested", str(channel_id), caller.actor, {"delivery": delivery_id})
    return delivery_id


async def check_url(caller: Caller, url: str, secret: str | None) -> None:
    """Raises Invalid. What names resolve to is checked when it is connected to."""
    if is_webhook(url):
        validate_url(url, secret)
    else:
        await asyncio.to_thread(validate_url, url, secret)  # may load Apprise, most of a second
    reason = None if caller.role == Role.ADMIN else _private(url)
    if reason is not None:
        raise Invalid("url", reason, redact(url))


def _private(url: str) -> str | None:
    """Why an address that the URL names outright is only for ADMINs, or for nobody."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        return None
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return refusal(host, trusted=False)


def _check_plain(tx: Tx, namespace_id: int, plain: dict[str, Any], channel_id: int | None) -> None:
    """Whether the given members may be written to the channel, None: a new one."""
    check_department(tx, namespace_id, plain.get("department"))
    if unfit := NEVER_CHOSEN.intersection(plain.get("kinds") or ()):
        raise Invalid("kinds", f"expected kinds other than {_UNFIT}", min(unfit))
    name = plain.get("name")
    if name is not None and channels.named(tx, namespace_id, name) not in {None, channel_id}:
        raise Conflict(f"There is a channel named {name!r} already.", code="exists")


def _columns(plain: dict[str, Any]) -> dict[str, Any]:
    columns = dict(plain)
    if columns.get("kinds") is not None:
        columns["kinds"] = orjson.dumps(columns["kinds"]).decode()
    if columns.get("match") is not None:
        match = columns["match"].model_dump(exclude_none=True)
        columns["match"] = orjson.dumps(match).decode() if match else None
    if "enabled" in columns:
        columns["enabled"] = int(columns["enabled"])
    if "group_window" in columns:
        columns["group_window"] = columns["group_window"] or 0
    return columns


def _shown(name: str, value: Any) -> Any:
    if name == "group_window":
        return format_duration(value)
    return value.model_dump(exclude_none=True) if isinstance(value, Match) else value
