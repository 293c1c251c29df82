"""The whole first job: a missed deadline, from the script to the operator and the mailbox."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import time
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from tests.e2e.premises import until
from tests.forked import CONSTANTS
from trackdesk.engine.channels.signature import verify_signature

if TYPE_CHECKING:
    from tests.e2e.premises import Hooks, Premises

SECRET = "a-secret-of-the-receiver"


class Postbox:
    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.content)
        return "250 taken"


def test_a_missed_deadline_reaches_operator_webhook_and_mailbox_and_is_triaged(
    premises: Premises, hooks: Hooks
) -> None:
    postbox = Postbox()
    with socket.socket() as probe:  # the controller tries its own port as it starts, so it can't be any free one
        probe.bind(("127.0.0.1", 0))
        mail_port = probe.getsockname()[1]
    controller = Controller(postbox, hostname="127.0.0.1", port=mail_port)
    controller.start()
    try:
        # A close is told when nobody can take it back any more, ten seconds later.
        premises.environ[CONSTANTS] = json.dumps({"trackdesk.engine.incidents.TAKEN_BACK_WITHIN": 1_000_000})
        premises.serve()
        _connect(premises, hooks, mail_port)
        uid = premises.cli("start", "nightly-backup", "--deadline", "1s", "--tag", "env=prod").stdout.strip()
        incident = until(lambda: premises.ask("GET", "/v1/incidents?status=OPEN")[1]["data"], "incident")[0]
        _check_incident(premises, incident, uid)
        until(lambda: "process.deadline_missed" in hooks.events(), "webhook")
        assert hooks.events()[0] == "process.deadline_warning"
        _check_webhook(hooks.calls[1], incident, uid)
        _check_mail(until(lambda: postbox.mails, "mail")[0])
        _triage(premises, incident["ref"])
        until(lambda: "incident.closed" in hooks.events(), "word of the close")
    finally:
        controller.stop()


def _connect(premises: Premises, hooks: Hooks, mail_port: int) -> None:
    """A signed webhook, its URL from a variable; a mailbox, its URL from a file."""
    made = premises.cli(
        "channel", "add", "ops-hook", "--url-env", "HOOK", "--secret-env", "SECRET", HOOK=hooks.url, SECRET=SECRET
    )
    assert made.stdout == "1\n"
    assert "t0ken" not in made.stderr
    file = premises.folder / "mail-url"
    mail = f"mailto://127.0.0.1:{mail_port}?smtp=127.0.0.1&mode=insecure&from=trackdesk@example.org&to=ops@example.org"
    file.write_text(mail + "\n")
    premises.cli("channel", "add", "ops-mail", "--url-file", str(file), "--min-severity", "high", "--kind", "opened")


def _check_incident(premises: Premises, incident: dict[str, Any], uid: str) -> None:
    assert (incident["origin"], incident["process"], incident["run"]) == ("missed", "nightly-backup", uid)
    assert incident["title"] == "nightly-backup missed its deadline of 1s"
    run = premises.data_of("runs", "show", uid)
    assert (run["status"], run["deadline_status"]) == ("ACTIVE", "MISSED")
    assert incident["due_at"] == run["deadline"]
    inbox = premises.ask("GET", "/v1/notifications?kind=opened")[1]["data"]
    assert [(row["incident"], row["read_at"]) for row in inbox] == [(incident["id"], None)]


def _check_webhook(call: Any, incident: dict[str, Any], uid: str) -> None:
    now = time.time_ns() // 1000
    assert verify_signature(SECRET, call.headers["x-trackdesk-signature"], call.body, now, 60_000_000)
    assert call.headers["idempotency-key"]
    body = call.json
    assert (body["event"], body["name"]) == ("process.deadline_missed", "nightly-backup")
    assert body["tags"] == [{"key": "env", "value": "prod"}]
    assert (body["run"]["uid"], body["incident"]["ref"]) == (uid, incident["ref"])


def _check_mail(content: bytes) -> None:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert "nightly-backup missed its deadline of 1s" in mail["Subject"]
    body = mail.get_body()
    assert body is not None
    assert "env=prod" in body.get_content()


def _triage(premises: Premises, ref: str) -> None:
    premises.cli("incidents", "take", ref, "--as", "ada")
    premises.cli("incidents", "comment", ref, "-m", "the disk was full")
    premises.cli("incidents", "close", ref)
    shown = premises.data_of("incidents", "show", ref)
    assert (shown["status"], shown["assignee"]) == ("CLOSED", "ada")
    assert [each["kind"] for each in shown["timeline"]] == ["opened", "triaged", "commented", "closed"]
    assert [each["content"] for each in shown["comments"]] == ["the disk was full"]
    told = [step["subject"] for step in shown["routing"] if step["kind"] == "channel" and step["told"]]
    assert {"ops-hook", "ops-mail"} <= set(told)
    text = premises.cli("incidents", "show", ref).stdout
    assert "the disk was full" in text
    assert "status OPEN → TRIAGED" in text
