from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING

import pytest

from tests.clocks import PATIENCE
from trackdesk.engine.channels.sender import open_sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Mailbox, Receiver

    from trackdesk.engine.channels.message import Message, Outcome

SECOND = 1_000_000


def mail_url(mailbox: Mailbox, *, password: str = "right", to: str = "ops@example.org", host: str = "127.0.0.1") -> str:
    return f"mailto://bob:{password}@{host}:{mailbox.port}?mode=insecure&from=trackdesk@example.org&to={to}"


def plain_url(port: int) -> str:
    return f"mailto://bob:pw@127.0.0.1:{port}?mode=insecure&from=trackdesk@example.org&to=ops@example.org"


async def send(url: str, message: Message, *, timeout: float = PATIENCE, trusted: bool = True) -> Outcome:
    sender = open_sender(url, secret=None, trusted=trusted, timeout=timeout)
    try:
        return await sender.send(message)
    finally:
        await sender.close()


async def test_a_mail_is_really_received(mailbox: Mailbox, message: Message) -> None:
    outcome = await send(mail_url(mailbox), message)
    assert (outcome.ok, outcome.status, outcome.detail) == (True, "sent", "")
    [(recipients, content)] = mailbox.received
    assert recipients == ["ops@example.org"]
    mail = email.message_from_string(content, policy=email.policy.default)
    assert mail["Subject"] == message.title
    assert mail["X-Application"] == "trackdesk"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == message.body


async def test_mails_over_one_channel_are_not_paced(mailbox: Mailbox, message: Message) -> None:
    sender = open_sender(mail_url(mailbox), secret=None, trusted=True, timeout=5)
    outcomes = [await sender.send(message) for _ in range(3)]
    await sender.close()
    assert all(outcome.ok and outcome.took < 2 * SECOND for outcome in outcomes)
    assert len(mailbox.received) == 3


@pytest.mark.parametrize(("answer", "permanent"), [("550 no such user", True), ("450 mailbox busy", False)])
async def test_a_refused_recipient_is_permanent_by_its_code(
    mailbox: Mailbox, message: Message, answer: str, permanent: bool
) -> None:
    mailbox.rcpt = answer
    outcome = await send(mail_url(mailbox), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, permanent, answer[:3])
    assert answer[4:] in outcome.detail


@pytest.mark.parametrize(("answer", "permanent"), [("554 we don't like it", True), ("451 try later", False)])
async def test_a_refused_mail_is_permanent_by_its_code(
    mailbox: Mailbox, message: Message, answer: str, permanent: bool
) -> None:
    mailbox.data = answer
    outcome = await send(mail_url(mailbox), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, permanent, answer[:3])
    assert answer[4:] in outcome.detail


async def test_a_wrong_password_is_permanent_and_not_shown(mailbox: Mailbox, message: Message) -> None:
    outcome = await send(mail_url(mailbox, password="wrongword"), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "535")
    assert "wrongword" not in outcome.detail
    assert mailbox.received == []


async def test_a_mail_server_that_hangs_is_given_up(mailbox: Mailbox, message: Message) -> None:
    mailbox.holding = True
    outcome = await send(mail_url(mailbox), message, timeout=0.4)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "timeout")
    assert outcome.took < 2 * SECOND


async def test_a_mail_server_that_never_greets_is_given_up(receiver: Receiver, message: Message) -> None:
    outcome = await send(plain_url(receiver.port), message, timeout=0.4)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "timeout")


async def test_a_closed_mail_port_is_tried_again(message: Message, unused_port: Callable[[], int]) -> None:
    outcome = await send(plain_url(unused_port()), message)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, False, "refused")


async def test_a_mail_server_on_this_machine_is_closed_to_untrusted_channels(
    mailbox: Mailbox, message: Message
) -> None:
    outcome = await send(mail_url(mailbox, host="localhost"), message, trusted=False)
    assert (outcome.ok, outcome.permanent, outcome.status) == (False, True, "blocked")


async def test_a_mail_server_named_beside_the_host_is_checked_too(mailbox: Mailbox, message: Message) -> None:
    url = f"mailto://bob:pw@example.org:{mailbox.port}?smtp=localhost&mode=insecure&from=t@example.org&to=a@example.org"
    outcome = await send(url, message, trusted=False)
    assert (outcome.permanent, outcome.status) == (True, "blocked")
    assert mailbox.received == []
