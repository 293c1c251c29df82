from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.clocks import PATIENCE
from trackdesk.engine.channels.sender import open_sender
from trackdesk.engine.channels.webhook import WebhookSender, retry_after, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Receiver

    from trackdesk.engine.channels.message import Message, Outcome

SECRET = "a-secret-of-ours"
NOW = 1_767_323_045_678_901
SECOND = 1_000_000


async def send(url: str, message: Message, *, timeout: float = PATIENCE, trusted: bool = True) -> Outcome:
    sender = WebhookSender(url, secret=SECRET, trusted=trusted, timeout=timeout, clock=lambda: NOW)
    try:
        return await sender.send(message)
    finally:
        await sender.close()


def url_of(receiver: Receiver, host: str = "127.0.0.1") -> str:
    return f"webhook+http://bob:hidden@{host}:{receiver.port}/hooks/TOKEN-IN-PATH?k=TOKEN-IN-QUERY"


async def test_a_webhook_arrives_with_its_payload_and_headers(receiver: Receiver, message: Message) -> None:
    outcome = await send(url_of(receiver), message)
    assert (outcome.ok, outcome.status, outcome.permanent, outcome.detail) == (True, "200", False, "")
    assert outcome.took > 0
    [request] = receiver.requests
    assert request.line == "POST /hooks/TOKEN-IN-PATH?k=TOKEN-IN-QUERY HTTP/1.1"
    assert orjson.loads(request.body) == message.payload
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "d-0001"
    assert request.headers["x-trackdesk-event"] == "opened"
    assert request.headers["user-agent"].startswith("trackdesk/")
    assert request.headers["authorization"].startswith("Basic ")


async def test_the_signature_covers_time_and_body(receiver: Receiver, message: Message) -> None:
    await send(url_of(receiver), message)
    [request] = receiver.requests
    header = request.headers["x-trackdesk-signature"]
    assert verify_signature(SECRET, header, request.body, NOW, 300 * SECOND)
    assert not verify_signature("another-secret", header, request.body, NOW, 300 * SECOND)
    assert not verify_signature(SECRET, header, request.body + b" ", NOW, 300 * SECOND)
    assert not verify_signature(SECRET, header.replace("t=1", "t=2"), request.body, NOW, 10**18)
    assert not verify_signature(SECRET, header, request.body, NOW + 400 * SECOND, 300 * SECOND)


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=x,v1=00", "v1=00", "t=1", "t=²,v1=é", "t" * 9999, "t=9e9,v1="])
def test_a_broken_signature_header_is_no_valid_one(header: str) -> None:
    assert not verify_signature(SECRET, header, b"", NOW, 300 * SECOND)


async def test_without_a_secret_a_webhook_is_unsigned(receiver: Receiver, message: Message) -> None:
    sender = open_sender(url_of(receiver), secret=None, trusted=True, timeout=5)
    assert (await sender.send(message)).ok
    await sender.close()
    assert "x-trackdesk-signature" not in receiver.requests[0].headers


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "410 Gone", "422 Odd"])
async def test_a_refusal_is_permanent(receiver: Receiver, message: Message, status: str) -> None:
    receiver.status(status, body="no such hook")
    outcome = await send(url_of(receiver), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, status[:3])
    assert outcome.detail.endswith("no such hook")


@pytest.mark.parametrize(
    "status", ["408 Request Timeout", "425 Too Early", "429 Too Many", "500 Oops", "503 Away", "599 X"]
)
async def test_a_failure_that_passes_is_not_permanent(receiver: Receiver, message: Message, status: str) -> None:
    receiver.status(status)
    outcome = await send(url_of(receiver), message)
    assert (outcome.ok, outcome.permanent, outcome.status, outcome.retry_after) == (False, False, status[:3], None)


async def test_retry_after_is_honoured(receiver: Receiver, message: Message) -> None:
    receiver.status("429 Too Many Requests", "Retry-After: 17")
    assert (await send(url_of(receiver), message)).retry_after == 17 * SECOND


async def test_retry_after_on_other_answers_is_ignored(receiver: Receiver, message: Message) -> None:
    receiver.status("500 Oops", "Retry-After: 17")
    assert (await send(url_of(receiver), message)).retry_after is None


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", 0),
        ("120", 120 * SECOND),
        ("999999999999999", 24 * 3600 * SECOND),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 59_321_099),
        ("Fri, 02 Jan 2025 03:05:05 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str | None, wait: int | None) -> None:
    assert retry_after(value, 1_767_323_045_678_901) == wait


async def test_a_redirect_is_not_followed(receiver: Receiver, message: Message) -> None:
    receiver.status("302 Found", f"Location: http://127.0.0.1:{receiver.port}/elsewhere")
    outcome = await send(url_of(receiver), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "302")
    assert "redirect" in outcome.detail
    assert len(receiver.requests) == 1


async def test_a_receiver_that_hangs_is_given_up_at_the_deadline(receiver: Receiver, message: Message) -> None:
    receiver.answer, receiver.hang = b"", True
    outcome = await send(url_of(receiver), message, timeout=0.2)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "timeout")
    assert outcome.took < 2 * SECOND


async def test_a_head_that_drips_does_not_outlast_the_deadline(receiver: Receiver, message: Message) -> None:
    receiver.answer, receiver.drip = b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z"
    outcome = await send(url_of(receiver), message, timeout=0.2)
    assert (outcome.ok, outcome.status) == (False, "timeout")
    assert outcome.took < 2 * SECOND


async def test_an_answer_that_drips_after_its_status_is_taken_at_its_word(receiver: Receiver, message: Message) -> None:
    receiver.answer, receiver.drip = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"z"
    outcome = await send(url_of(receiver), message, timeout=0.2)
    assert (outcome.ok, outcome.status) == (True, "200")
    assert outcome.took < 2 * SECOND


async def test_an_endless_answer_is_read_to_its_limit_only(receiver: Receiver, message: Message) -> None:
    receiver.answer = b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n"
    receiver.drip = b"y" * 16384
    outcome = await send(url_of(receiver), message, timeout=5)
    assert outcome.status == "500"
    assert len(outcome.detail) <= 500


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le", b"not http\r\n\r\n"])
async def test_a_receiver_that_dies_halfway_is_tried_again(receiver: Receiver, message: Message, answer: bytes) -> None:
    receiver.answer = answer
    outcome = await send(url_of(receiver), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "broken")


async def test_a_closed_port_is_tried_again(message: Message, unused_port: Callable[[], int]) -> None:
    outcome = await send(f"webhook+http://127.0.0.1:{unused_port()}/x", message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "refused")


async def test_a_name_that_does_not_resolve_is_tried_again(message: Message) -> None:
    outcome = await send("webhook+http://no-such-host.invalid/x", message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "dns")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_the_machine_itself_is_closed_to_untrusted_channels(
    receiver: Receiver, message: Message, host: str
) -> None:
    outcome = await send(f"webhook+http://{host}:{receiver.port}/x", message, trusted=False)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "blocked")
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001"])
async def test_an_address_in_disguise_reaches_nothing(receiver: Receiver, message: Message, host: str) -> None:
    outcome = await send(f"webhook+http://{host}:{receiver.port}/x", message, trusted=False)
    assert (outcome.ok, outcome.permanent) == (False, True)
    assert receiver.requests == []


async def test_a_name_is_open_to_trusted_channels(receiver: Receiver, message: Message) -> None:
    assert (await send(url_of(receiver, "localhost"), message)).ok


async def test_a_metadata_address_is_closed_to_everyone(message: Message) -> None:
    outcome = await send("webhook+http://169.254.169.254/latest/meta-data", message)
    assert (outcome.permanent, outcome.status) == (True, "blocked")


async def test_a_name_that_changes_its_answer_is_judged_by_the_address_it_connects_to(
    receiver: Receiver, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["169.254.169.254", "127.0.0.1"])

    def rebinding(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), receiver.port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    sender = WebhookSender(f"webhook+http://rebind.test:{receiver.port}/", secret=None, trusted=True, timeout=5)
    assert (await sender.send(message)).status == "blocked"
    assert (await sender.send(message)).ok
    await sender.close()
    assert receiver.requests[0].headers["host"] == f"rebind.test:{receiver.port}"


async def test_one_refused_address_among_several_refuses_the_name(
    receiver: Receiver, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, receiver.port)) for ip in ("127.0.0.1", "169.254.1.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: both)
    assert (await send("webhook+http://mixed.test/", message)).status == "blocked"
    assert receiver.requests == []


async def test_no_outcome_holds_a_secret(receiver: Receiver, message: Message) -> None:
    receiver.status("403 Forbidden", body=f"{SECRET} TOKEN-IN-PATH token-in-query bob hidden are not welcome")
    outcome = await send(url_of(receiver), message)
    for part in (SECRET, "TOKEN", "token", "bob", "hidden"):
        assert part not in outcome.detail
    assert outcome.detail.endswith("are not welcome")


async def test_a_payload_that_is_no_json_fails_for_good(receiver: Receiver, message: Message) -> None:
    outcome = await send(url_of(receiver), replace(message, payload={"x": object()}))
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "failed")


async def test_one_hanging_webhook_delays_no_other(receiver: Receiver, message: Message) -> None:
    receiver.answer, receiver.hang = b"", True
    hanging = asyncio.create_task(send(url_of(receiver), message, timeout=10))
    await receiver.arrived.acquire()
    receiver.status("200 OK")
    receiver.hang = False
    assert (await send(url_of(receiver), message)).ok
    assert not hanging.done()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_a_closed_sender_sends_no_more(receiver: Receiver, message: Message) -> None:
    sender = open_sender(url_of(receiver), secret=SECRET, trusted=True)
    await sender.close()
    outcome = await sender.send(message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "closed")
