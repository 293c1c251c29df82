import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.engine.outbox import open_outbox
from trackdesk.engine.channels.sender import validate_url


class Postbox:
    """A mail server that keeps what it is sent, and answers DATA with `answer`."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.answer = "250 taken"

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802
        self.mails.append(envelope.content.decode())  # type: ignore[attr-defined]
        return self.answer


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, int]]:
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def mail_url(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure&from=trackdesk@example.org&to=ops@example.org"


@pytest.fixture(autouse=True)
def _apprise_loaded() -> None:
    validate_url("json://example.org/", None)


async def test_a_notification_is_received_as_a_mail(tmp_path: Path, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("mail-ops", mail_url(port))
        await outbox.tell(title="nightly-backup missed its deadline")
        await outbox.until_statuses("SENT")
    assert len(box.mails) == 1
    assert "Subject: nightly-backup missed its deadline" in box.mails[0]
    assert "see the log" in box.mails[0]


async def test_the_title_of_a_mail_is_one_line_whatever_it_was_given(
    tmp_path: Path, postbox: tuple[Postbox, int]
) -> None:
    box, port = postbox
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("mail-ops", mail_url(port))
        await outbox.tell(title="disk full\r\nBcc: someone@example.org")
        await outbox.until_statuses("SENT")
    assert "Subject: disk full Bcc: someone@example.org" in box.mails[0]


async def test_a_mail_refused_for_good_is_a_dead_letter(tmp_path: Path, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    box.answer = "550 no such user"
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("mail-ops", mail_url(port))
        await outbox.tell()
        await outbox.until_statuses("DEAD")
        assert await outbox.rows("SELECT outcome, status FROM delivery_attempts") == [("refused", "550")]


async def test_a_mail_server_that_is_busy_is_tried_again(tmp_path: Path, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    box.answer = "451 later"
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("mail-ops", mail_url(port))
        await outbox.tell()
        await outbox.until_statuses("RETRYING")
