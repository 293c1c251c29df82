from __future__ import annotations

import asyncio
import logging
import socket
from io import StringIO
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.clocks import PATIENCE
from trackdesk.engine.channels.apprise import AppriseSender
from trackdesk.engine.channels.sender import Sender, open_sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Receiver

    from trackdesk.engine.channels.message import Message, Outcome

SECOND = 1_000_000


def json_url(receiver: Receiver, host: str = "127.0.0.1", more: str = "") -> str:
    return f"json://bob:hidden@{host}:{receiver.port}/TOKEN-IN-PATH/?-k=TOKEN-IN-QUERY{more}"


async def send(url: str, message: Message, *, timeout: float = PATIENCE, trusted: bool = True) -> Outcome:
    sender = open_sender(url, secret=None, trusted=trusted, timeout=timeout)
    try:
        return await sender.send(message)
    finally:
        await sender.close()


async def test_a_message_goes_out_through_a_plugin(receiver: Receiver, message: Message) -> None:
    outcome = await send(json_url(receiver), message)
    assert (outcome.ok, outcome.status, outcome.detail) == (True, "200", "")
    sent = orjson.loads(receiver.requests[0].body)
    assert (sent["title"], sent["message"], sent["type"]) == (message.title, message.body, "failure")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_refusal_is_permanent(receiver: Receiver, message: Message, status: int) -> None:
    receiver.status(f"{status} No")
    outcome = await send(json_url(receiver), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, str(status))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_failure_that_passes_is_not_permanent(receiver: Receiver, message: Message, status: int) -> None:
    receiver.status(f"{status} No")
    outcome = await send(json_url(receiver), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, str(status))


async def test_a_redirect_is_not_followed_even_when_the_url_asks_for_it(receiver: Receiver, message: Message) -> None:
    receiver.status("302 Found", f"Location: http://127.0.0.1:{receiver.port}/elsewhere")
    outcome = await send(json_url(receiver, more="&redirect=yes"), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "302")
    assert len(receiver.requests) == 1


async def test_a_url_cannot_turn_on_retries_of_the_library(receiver: Receiver, message: Message) -> None:
    receiver.status("500 Oops")
    await send(json_url(receiver, more="&retry=3&wait=1"), message)
    assert len(receiver.requests) == 1


async def test_a_receiver_that_hangs_is_given_up(receiver: Receiver, message: Message) -> None:
    receiver.answer, receiver.hang = b"", True
    outcome = await send(json_url(receiver, more="&rto=60&cto=60"), message, timeout=0.4)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "timeout")
    assert outcome.took < 30 * SECOND


async def test_a_channel_whose_thread_still_hangs_is_busy_until_it_is_free(
    receiver: Receiver, message: Message
) -> None:
    receiver.answer, receiver.drip = b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z"
    sender = open_sender(json_url(receiver), secret=None, trusted=True, timeout=1)
    assert (await sender.send(message)).status == "timeout"
    outcome = await sender.send(message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "busy")
    assert outcome.took < SECOND
    receiver.drip = b""
    receiver.status("200 OK")
    assert (await _until_free(sender, message)).ok
    await sender.close()


async def _until_free(sender: Sender, message: Message) -> Outcome:
    while True:
        outcome = await sender.send(message)
        if outcome.status != "busy":
            return outcome
        await asyncio.sleep(0)


async def test_many_hanging_channels_delay_no_other(receiver: Receiver, message: Message) -> None:
    receiver.answer, receiver.hang = b"", True
    tasks = [asyncio.create_task(send(json_url(receiver), message, timeout=3)) for _ in range(12)]
    for _ in tasks:
        await receiver.arrived.acquire()
    receiver.hang = False
    receiver.status("200 OK")
    outcome = await send(json_url(receiver), message)
    assert outcome.ok
    assert outcome.took < 2 * SECOND
    assert {each.status for each in await asyncio.gather(*tasks)} == {"timeout"}


async def test_two_sends_over_one_healthy_channel_follow_each_other(receiver: Receiver, message: Message) -> None:
    sender = open_sender(json_url(receiver), secret=None, trusted=True, timeout=5)
    outcomes = await asyncio.gather(sender.send(message), sender.send(message), sender.send(message))
    assert [outcome.status for outcome in outcomes] == ["200"] * 3
    await sender.close()


async def test_a_closed_port_is_tried_again(message: Message, unused_port: Callable[[], int]) -> None:
    outcome = await send(f"json://127.0.0.1:{unused_port()}/", message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "refused")


async def test_a_receiver_that_dies_halfway_is_tried_again(receiver: Receiver, message: Message) -> None:
    receiver.answer = b"HTTP/1.1 20"
    outcome = await send(json_url(receiver), message)
    assert (outcome.ok, outcome.permanent) == (False, False)


async def test_a_name_that_does_not_resolve_is_tried_again(message: Message) -> None:
    outcome = await send("json://no-such-host.invalid/", message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "dns")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_the_machine_itself_is_closed_to_untrusted_channels(
    receiver: Receiver, message: Message, host: str
) -> None:
    outcome = await send(json_url(receiver, host), message, trusted=False)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "blocked")
    assert receiver.requests == []


async def test_a_name_that_changes_its_answer_after_the_check_is_stopped_at_connect(
    receiver: Receiver, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def rebinding(host: str, port: object, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), receiver.port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    outcome = await send(json_url(receiver, "rebind.test"), message, trusted=False)
    assert (outcome.permanent, outcome.status) == (True, "blocked")
    assert next(answers, None) is None
    assert receiver.requests == []


@pytest.fixture
def server_log() -> Iterator[StringIO]:
    """What a server that logs everything would write: all that reaches the root logger."""
    written = StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


async def test_no_outcome_and_no_log_holds_a_secret(receiver: Receiver, message: Message, server_log: StringIO) -> None:
    outcomes = []
    for status in ("403 No", "500 No"):
        receiver.status(status, body="TOKEN-IN-PATH hidden")
        outcomes.append(await send(json_url(receiver), message))
    receiver.answer = b""
    outcomes.append(await send(json_url(receiver), message))
    for text in [outcome.detail for outcome in outcomes] + [server_log.getvalue()]:
        assert not any(part in text for part in ("TOKEN", "hidden", "bob"))
    assert all(outcome.detail for outcome in outcomes)


async def test_slack_gets_the_title_and_text_as_its_own_kind_of_message(receiver: Receiver, message: Message) -> None:
    token = "TIiajkdnlazkcOXrIdevi7FQ"
    sender = AppriseSender(f"slack://T1JJ3T3L2/A1BRTD4JD/{token}/#general", trusted=True, timeout=5)
    sender.plugin().webhook_url = f"http://127.0.0.1:{receiver.port}/services"
    outcome = await sender.send(message)
    assert outcome.ok
    [request] = receiver.requests
    assert request.line.startswith(f"POST /services/T1JJ3T3L2/A1BRTD4JD/{token} ")
    sent = orjson.loads(request.body)
    assert sent["channel"] == "#general"
    [attachment] = sent["attachments"]
    assert attachment["title"] == message.title
    assert "Due 03:00" in attachment["text"]
    receiver.status("404 Not Found", body="no_team")
    gone = await sender.send(message)
    assert (gone.permanent, gone.status) == (True, "404")
    assert token not in gone.detail


async def test_a_sender_made_of_a_refused_url_fails_for_good(message: Message) -> None:
    outcome = await send("syslog://", message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "failed")
