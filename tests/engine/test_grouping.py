"""Channels that gather: one message a window, with the right counts, whatever happens in between."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.outbox import ADMIN, SECRET, Hook, Outbox, open_hook, open_outbox
from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.incident import ChangeIncident, IncidentStatus, NewIncident, Severity
from trackdesk.domain.notification import ChangeChannel, Kind
from trackdesk.engine import channel_admin, deliveries, incidents
from trackdesk.engine.channels.signature import verify_signature
from trackdesk.store import incident_lists

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 60_000_000


async def gathering(outbox: Outbox, hook: Hook, name: str = "ops", **members: Any) -> None:
    await outbox.channel(name, hook.url, group_window="1m", **members)


async def report(outbox: Outbox, title: str, severity: Severity = Severity.HIGH) -> int:
    body = NewIncident(title=title, severity=severity)
    return (await incidents.report(outbox.engine, ADMIN, body)).id


async def pass_window(outbox: Outbox) -> None:
    """The worker knows what it waits for; then the window ends."""
    await outbox.until_asleep()
    await outbox.clock.advance(MINUTE + 1)


async def groups(outbox: Outbox) -> list[str]:
    """The statuses of the messages, not of what went into them."""
    rows = await outbox.rows(
        "SELECT status FROM deliveries WHERE id IN (SELECT delivery_id FROM delivery_groups) ORDER BY id"
    )
    return [row[0] for row in rows]


async def test_what_comes_within_the_window_goes_out_as_one_message(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook, secret=SECRET)
        for index in range(30):
            await report(outbox, f"slow {index}", Severity.CRITICAL if index < 3 else Severity.LOW)
        await incidents.patch(outbox.engine, ADMIN, 30, ChangeIncident(status=IncidentStatus.CLOSED))
        assert await groups(outbox) == ["PENDING"]
        assert hook.bodies == []
        await pass_window(outbox)
        await hook.until_called()
        await outbox.until_statuses("SENT", *["GROUPED"] * 31)

        (body,) = hook.bodies
        assert verify_signature(
            SECRET, hook.headers[0]["X-Trackdesk-Signature"], hook.raw[0], int(time.time() * 1e6), MINUTE
        )
        assert hook.headers[0]["X-Trackdesk-Event"] == "group"
        assert (body["event"], body["kind"], body["count"], body["more"]) == ("group", "group", 31, 0)
        assert body["by_kind"] == {"opened": 30, "closed": 1}
        assert body["by_severity"] == {"CRITICAL": 3, "LOW": 28}
        assert [each["incident"] for each in body["notifications"][:2]] == ["INC-1", "INC-2"]
        told = body["notification"]
        assert told["title"] == "31 messages in 1m: 30 opened, 1 closed (3 CRITICAL, 28 LOW)"
        assert told["severity"] == "CRITICAL"
        assert told["body"].splitlines()[2] == "CRITICAL  INC-1 slow 0"
        assert told["body"].splitlines()[-1] == "and 11 more"


async def test_one_alone_in_its_window_goes_out_as_itself(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook)
        await outbox.tell(title="backup is late")
        await pass_window(outbox)
        await hook.until_called()
        assert (hook.bodies[0]["event"], hook.bodies[0]["notification"]["title"]) == (
            "incident.opened",
            "backup is late",
        )
        assert hook.headers[0]["X-Trackdesk-Event"] == "opened"


async def test_what_comes_after_the_window_opens_the_next(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook)
        await outbox.channel("at once", hook.url)
        await outbox.tell(count=2)
        await hook.until_called(2)
        await pass_window(outbox)
        await hook.until_called(3)
        await outbox.tell(count=2)
        await hook.until_called(5)
        assert await groups(outbox) == ["SENT", "PENDING"]
        assert sum(body.get("count", 0) for body in hook.bodies) == 2


async def test_a_group_is_tried_again_with_the_same_words_and_the_same_id(tmp_path: Path) -> None:
    async with open_hook(503, 200) as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook)
        await outbox.tell(count=3)
        await pass_window(outbox)
        await outbox.until_attempts(1)
        await outbox.tell(title="one more, into the next window")
        await outbox.clock.advance(30_000_000)
        await hook.until_called(2)
        first, second = hook.bodies
        assert first == second
        assert hook.headers[0]["Idempotency-Key"] == hook.headers[1]["Idempotency-Key"]
        assert second["count"] == 3


async def test_a_group_that_is_refused_is_one_dead_letter_and_can_be_tried_again(tmp_path: Path) -> None:
    async with open_hook(400, 200) as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook)
        await outbox.tell(count=2)
        await pass_window(outbox)
        await outbox.until_statuses("DEAD", "GROUPED", "GROUPED")
        with pytest.raises(Conflict) as caught:
            await deliveries.retry(outbox.engine, ADMIN, 2)
        assert (caught.value.code, "delivery 1" in caught.value.detail) == ("grouped", True)
        await deliveries.retry(outbox.engine, ADMIN, 1)
        await outbox.until_statuses("SENT", "GROUPED", "GROUPED")
        assert [body["count"] for body in hook.bodies] == [2, 2]


async def test_the_routing_says_with_which_others_it_went_out(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook)
        for index in range(3):
            await report(outbox, f"slow {index}")
        found = await incident_lists.routing(outbox.engine.readers, 1, 2)
        (step,) = [each for each in found.steps if each.kind == "group"]
        assert "opened: ops: one of 3 in one message, with INC-1, INC-3; the window closes at" in step.detail
        await pass_window(outbox)
        await outbox.until_statuses("SENT", *["GROUPED"] * 3)
        found = await incident_lists.routing(outbox.engine.readers, 1, 2)
        assert found.steps[-1].detail.startswith("opened: ops: the message: arrived after")
        assert found.steps[-1].told


async def test_an_open_group_outlives_a_restart(tmp_path: Path) -> None:
    async with open_hook() as hook:
        async with open_outbox(tmp_path) as outbox:
            await gathering(outbox, hook)
            await outbox.tell(count=2)
            clock = outbox.clock
        async with open_outbox(tmp_path, clock=clock) as outbox:
            await outbox.tell(count=1)
            await pass_window(outbox)
            await hook.until_called()
            assert hook.bodies[0]["count"] == 3


async def test_a_channel_that_is_switched_off_meanwhile_opens_another_group_afterwards(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook)
        await outbox.tell(count=2)
        await channel_admin.patch(outbox.engine, ADMIN, 1, ChangeChannel(enabled=False))
        await channel_admin.patch(outbox.engine, ADMIN, 1, ChangeChannel(enabled=True))
        assert await groups(outbox) == ["DEAD"]
        await outbox.tell(count=2)
        assert await groups(outbox) == ["DEAD", "PENDING"]


async def test_the_window_is_off_unless_it_is_given_and_has_its_limits(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path, running=False) as outbox:
        made = await outbox.channel("ops", hook.url)
        assert made.group_window == 0
        changed = await channel_admin.patch(outbox.engine, ADMIN, made.id, ChangeChannel(group_window="1m"))
        assert changed.group_window == MINUTE
        off = await channel_admin.patch(outbox.engine, ADMIN, made.id, ChangeChannel(group_window=None))
        assert off.group_window == 0
        for wrong in ("0.5s", "25h"):
            with pytest.raises(ValueError, match="group_window"):
                ChangeChannel.model_validate({"group_window": wrong})
        with pytest.raises(Invalid):
            await channel_admin.patch(outbox.engine, ADMIN, made.id, ChangeChannel(kinds=[Kind.GROUP]))


async def test_five_thousand_openings_in_a_minute_are_one_message_a_channel(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await gathering(outbox, hook, "one")
        await gathering(outbox, hook, "two")
        for _ in range(10):
            await outbox.tell(count=500)
        await pass_window(outbox)
        await hook.until_called(2)
        assert [(body["count"], len(body["notifications"]), body["more"]) for body in hook.bodies] == [
            (5000, 100, 4900)
        ] * 2
        assert hook.bodies[0]["notification"]["title"] == "5,000 messages in 1m: 5,000 opened (5,000 HIGH)"
