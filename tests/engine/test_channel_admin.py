from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.clocks import until
from tests.engine.outbox import ADMIN, MAINTAINER, SECRET, Outbox, open_hook, open_outbox
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.identity import Caller
from trackdesk.domain.incident import Severity
from trackdesk.domain.notification import ChangeChannel, Channel, DeliveryStatus, Kind, Match, NewDepartment
from trackdesk.engine import channel_admin, deliveries, departments

URL = "webhook+https://hooks.example.org/services/t0ken"
PRIVATE = "webhook+http://10.1.2.3/hook"


async def patched(outbox: Outbox, channel: Channel, caller: Caller = ADMIN, **members: Any) -> Channel:
    body = ChangeChannel.model_validate_json(orjson.dumps(members))
    return await channel_admin.patch(outbox.engine, caller, channel.id, body, None)


async def trusted(outbox: Outbox) -> list[int]:
    return [row[0] for row in await outbox.rows("SELECT trusted FROM channels ORDER BY id")]


async def test_a_new_channel_shows_where_it_goes_but_nothing_secret(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL, secret=SECRET, kinds=[Kind.OPENED], min_severity=Severity.HIGH)
        assert channel.url == "webhook+https://hooks.example.org/…"
        assert channel.has_secret
        assert (channel.kinds, channel.min_severity, channel.version) == ([Kind.OPENED], Severity.HIGH, 1)
        assert "t0ken" not in await outbox.all_text()


async def test_two_channels_cannot_have_one_name(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", URL)
        with pytest.raises(Conflict) as caught:
            await outbox.channel("ops", URL)
        assert caught.value.code == "exists"
        other = await outbox.channel("other", URL)
        with pytest.raises(Conflict):
            await patched(outbox, other, name="ops")


async def test_only_an_admin_makes_channels_that_may_reach_private_addresses(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("admin", PRIVATE)
        for url in (PRIVATE, "webhook+http://localhost:8080/", "webhook+http://[::1]/", "json://192.168.1.1/"):
            with pytest.raises(Invalid) as caught:
                await outbox.channel("maintainer", url, MAINTAINER)
            assert caught.value.errors[0].field == "url"
        await outbox.channel("maintainer", URL, MAINTAINER)
        assert await trusted(outbox) == [1, 0]


async def test_metadata_addresses_are_refused_to_everybody(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Invalid, match="metadata"):
            await outbox.channel("ops", "webhook+http://169.254.169.254/latest")


@pytest.mark.parametrize("members", [{"url": URL}, {"secret": SECRET}])
async def test_a_url_or_secret_from_a_maintainer_ends_the_trust(tmp_path: Path, members: dict[str, str]) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL)
        await patched(outbox, channel, MAINTAINER, **members)
        assert await trusted(outbox) == [0]
        await patched(outbox, channel, ADMIN, secret=SECRET)
        assert await trusted(outbox) == [0]
        await patched(outbox, channel, ADMIN, url=URL)
        assert await trusted(outbox) == [1]


async def test_absent_members_keep_their_value_and_null_clears(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        match = Match(process="nightly-backup", tag={"env": "prod"})
        channel = await outbox.channel("ops", URL, secret=SECRET, department="default", match=match)
        after = await patched(outbox, channel, min_severity="HIGH")
        assert (after.department, after.match, after.version) == ("default", match, 2)
        after = await patched(outbox, channel, department=None, match=None, secret=None, min_severity=None)
        assert (after.department, after.match, after.has_secret, after.min_severity) == (None, None, False, None)


@pytest.mark.parametrize("name", ["name", "url", "enabled"])
async def test_what_can_not_be_empty_refuses_null(tmp_path: Path, name: str) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL)
        with pytest.raises(Invalid, match=f"{name}: expected a value"):
            await patched(outbox, channel, **{name: None})


async def test_a_patch_that_changes_nothing_is_no_new_version(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL)
        assert (await patched(outbox, channel, name="ops", enabled=True)).version == 1
        assert await outbox.rows("SELECT count(*) FROM journal WHERE kind = 'changed'") == [(0,)]


async def test_an_outdated_version_names_who_changed_it(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL)
        await patched(outbox, channel, MAINTAINER, name="operations")
        with pytest.raises(Conflict, match="max") as caught:
            await channel_admin.patch(outbox.engine, ADMIN, channel.id, ChangeChannel(name="mine"), 1)
        assert caught.value.code == "changed"


async def test_the_department_has_to_exist(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Invalid, match="department"):
            await outbox.channel("ops", URL, department="nowhere")
        await departments.add(outbox.engine, ADMIN, NewDepartment(id="ops", name="Operations"))
        assert (await outbox.channel("ops", URL, department="ops")).department == "ops"


async def test_a_secret_is_for_webhooks_only(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL, secret=SECRET)
        with pytest.raises(Invalid, match="secret"):
            await patched(outbox, channel, url="json://example.org/hook")
        after = await patched(outbox, channel, url="json://example.org/hook", secret=None)
        assert not after.has_secret
        with pytest.raises(Invalid, match="secret"):
            await patched(outbox, channel, secret=SECRET)


async def test_the_journal_says_what_changed_without_secrets(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL)
        await patched(outbox, channel, url="webhook+https://two.example.org/t0ken2", secret=SECRET, name="two")
        [(changed,)] = await outbox.rows("SELECT changed FROM journal WHERE kind = 'changed'")
        assert '"name":["ops","two"]' in changed
        assert "two.example.org" in changed
        assert "t0ken" not in changed
        assert SECRET not in changed


async def test_a_new_url_has_yet_to_prove_itself(tmp_path: Path) -> None:
    async with open_hook(404) as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("DEAD")
        after = await patched(outbox, channel, url=URL)
        assert (after.proven_at, after.dead_since, after.last_error) == (None, None, None)


async def test_switching_a_channel_off_gives_up_what_waits(tmp_path: Path) -> None:
    async with open_hook(500) as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("RETRYING")
        await patched(outbox, channel, enabled=False)
        assert await outbox.statuses() == ["DEAD"]
        assert ("refused", "off", "the channel was switched off") in await outbox.rows(
            "SELECT outcome, status, error FROM delivery_attempts"
        )
        await outbox.tell()
        assert await outbox.statuses() == ["DEAD"]
        with pytest.raises(Conflict) as caught:
            await deliveries.retry(outbox.engine, ADMIN, 1)
        assert caught.value.code == "channel_off"


async def test_much_that_waits_is_given_up_and_forgotten_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_admin, "STEP", 2)
    async with open_hook(500) as hook, open_outbox(tmp_path) as outbox:
        channel, other = [await outbox.channel(name, hook.url) for name in ("ops", "other")]
        for _ in range(5):
            await outbox.tell()
        await patched(outbox, channel, enabled=False)
        of_channel = "SELECT DISTINCT status FROM deliveries WHERE channel_id = "
        assert await outbox.rows(f"{of_channel}{channel.id}") == [("DEAD",)]
        assert ("DEAD",) not in await outbox.rows(f"{of_channel}{other.id}")
        await channel_admin.delete(outbox.engine, ADMIN, other.id)
        assert await outbox.rows(f"{of_channel}{other.id}") == []
        assert await outbox.rows("SELECT count(*) FROM deliveries") == [(5,)]


async def test_what_arrives_while_the_channel_is_switched_off_counts_as_sent(tmp_path: Path) -> None:
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        await outbox.tell()
        await hook.until_called()
        await patched(outbox, channel, enabled=False)
        hook.let_go.set()
        await outbox.until_statuses("SENT")


async def test_deleting_a_channel_takes_its_deliveries_along(tmp_path: Path) -> None:
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        await outbox.tell()
        await hook.until_called()
        await channel_admin.delete(outbox.engine, ADMIN, channel.id)
        hook.let_go.set()
        await outbox.until_asleep()
        assert await outbox.statuses() == []
        assert outbox.worker.health().ok
        with pytest.raises(NotFound):
            await channel_admin.delete(outbox.engine, ADMIN, channel.id)


async def test_a_long_history_is_deleted_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_admin, "STEP", 2)
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        await outbox.tell(count=5)
        await outbox.until_statuses(*["SENT"] * 5)
        await channel_admin.delete(outbox.engine, ADMIN, channel.id)
        assert await outbox.statuses() == []
        assert await outbox.attempts() == 0


async def test_a_channel_of_another_namespace_is_not_found(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", URL)
        stranger = Caller(2, "other", ADMIN.role, 9, "eve")
        for call in (channel_admin.delete, channel_admin.test):
            with pytest.raises(NotFound):
                await call(outbox.engine, stranger, channel.id)


async def test_a_test_message_answers_with_its_outcome_and_is_in_no_inbox(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        delivery = await channel_admin.test(outbox.engine, ADMIN, channel.id)
        assert delivery.status == DeliveryStatus.SENT
        assert [(each.outcome, each.status) for each in delivery.attempts] == [("sent", "200")]
        assert hook.bodies[0]["event"] == "channel.test"
        assert await outbox.rows("SELECT kind, in_inbox FROM notifications") == [("test", 0)]


async def test_a_failed_test_is_not_tried_again_and_alarms_nobody(tmp_path: Path) -> None:
    async with open_hook(500) as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        delivery = await channel_admin.test(outbox.engine, ADMIN, channel.id)
        assert delivery.status == DeliveryStatus.DEAD
        assert delivery.attempts[0].error == "HTTP 500 Internal Server Error"
        [(error, dead_since)] = await outbox.rows("SELECT last_error, dead_since FROM channels")
        assert error == "HTTP 500 Internal Server Error"
        assert dead_since is None
        assert await outbox.rows("SELECT count(*) FROM notifications WHERE kind = 'channel_dead'") == [(0,)]


async def test_a_test_does_not_wait_behind_what_the_channel_has_to_send(tmp_path: Path) -> None:
    async with open_hook("hang", 200) as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        await outbox.tell(count=2)
        await hook.until_called()
        delivery = await channel_admin.test(outbox.engine, ADMIN, channel.id)
        assert delivery.status == DeliveryStatus.SENT
        assert await outbox.statuses() == ["PENDING", "PENDING", "SENT"]
        hook.let_go.set()


async def test_a_test_that_hangs_is_answered_with_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_admin, "TEST_LIMIT", 0.05)
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url)
        delivery = await channel_admin.test(outbox.engine, ADMIN, channel.id)
        assert delivery.status == DeliveryStatus.PENDING
        hook.let_go.set()
        await outbox.until_statuses("SENT")
        assert len(hook.bodies) == 1


async def test_a_dead_delivery_can_be_tried_again_with_all_its_attempts(tmp_path: Path) -> None:
    async with open_hook(404, 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("DEAD")
        again = await deliveries.retry(outbox.engine, ADMIN, 1)
        assert again.status == DeliveryStatus.PENDING
        await outbox.until_statuses("SENT")
        assert await outbox.rows("SELECT attempts FROM deliveries") == [(1,)]
        assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1


async def test_a_waiting_delivery_can_be_tried_at_once(tmp_path: Path) -> None:
    async with open_hook(500, 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("RETRYING")
        await deliveries.retry(outbox.engine, ADMIN, 1)
        await outbox.until_statuses("SENT")


async def test_what_has_arrived_is_not_sent_again(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("SENT")
        with pytest.raises(Conflict) as caught:
            await deliveries.retry(outbox.engine, ADMIN, 1)
        assert caught.value.code == "already_sent"
        with pytest.raises(NotFound):
            await deliveries.retry(outbox.engine, ADMIN, 99)


async def test_a_changed_filter_counts_for_the_next_notification(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url, kinds=[Kind.CLOSED])
        await outbox.tell()
        assert await outbox.statuses() == []
        await patched(outbox, channel, kinds=["opened"])
        await outbox.tell()
        await until(lambda: len(hook.bodies) == 1)
