import hashlib
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.outbox import ADMIN, OWNER_KEY, Outbox, open_outbox
from trackdesk.domain.clock import HOUR, MINUTE
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.identity import ChangeKey, MadeKey, NewKey, Role
from trackdesk.domain.notification import NewDepartment
from trackdesk.engine import departments, keys


async def made(outbox: Outbox, name: str = "ci", role: Role = Role.INGEST, **members: object) -> MadeKey:
    return await keys.add(outbox.engine, ADMIN, NewKey.model_construct(name=name, role=role, **members))


def opened(outbox: Outbox, secret: str) -> keys.Opened:
    found = outbox.engine.keys.find(secret)
    assert found is not None
    return found


async def test_a_new_key_opens_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        key = await made(outbox, rate_limit=5)
        assert key.key.startswith("tdk_")
        found = opened(outbox, key.key)
        assert (found.caller.key_id, found.caller.role, found.rate_limit) == (key.id, Role.INGEST, 5)
        assert (found.caller.namespace_id, found.caller.namespace) == (1, "default")
    async with open_outbox(tmp_path) as outbox:
        assert opened(outbox, key.key).caller.key_name == "ci"


async def test_the_secret_is_stored_as_its_digest_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with open_outbox(tmp_path) as outbox:
        key = await made(outbox)
        everything = await outbox.all_text()
        assert hashlib.sha256(key.key.encode()).hexdigest() in everything
        assert key.key not in everything + caplog.text


async def test_the_owner_key_opens_everything_and_is_in_no_table(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        caller = opened(outbox, OWNER_KEY).caller
        assert caller.owner
        assert caller.role == Role.ADMIN
        assert OWNER_KEY not in await outbox.all_text()


@pytest.mark.parametrize("secret", ["", "unknown", "tdk_" + "0" * 52, "\udc80", "ü"])
async def test_an_unknown_secret_opens_nothing(tmp_path: Path, secret: str) -> None:
    async with open_outbox(tmp_path) as outbox:
        assert outbox.engine.keys.find(secret) is None


async def test_a_key_tells_when_it_expires(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        at = outbox.clock.now() + HOUR
        key = await made(outbox, expires_at=at)
        assert opened(outbox, key.key).expires_at == at
        with pytest.raises(Invalid, match="future"):
            await made(outbox, "late", expires_at=outbox.clock.now())


async def test_a_changed_key_counts_for_the_next_request(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        key = await made(outbox, rate_limit=5, expires_at=outbox.clock.now() + HOUR)
        body = ChangeKey(role=Role.REPORTER, rate_limit=None, expires_at=None, name="reader")
        after = await keys.patch(outbox.engine, ADMIN, key.id, body)
        found = opened(outbox, key.key)
        assert (found.caller.role, found.rate_limit, found.expires_at) == (Role.REPORTER, None, None)
        assert (after.name, found.caller.key_name) == ("reader", "reader")
        [(changed,)] = await outbox.rows("SELECT changed FROM journal WHERE topic = 'keys' AND kind = 'changed'")
        assert '"role":["INGEST","REPORTER"]' in changed


async def test_a_deleted_key_opens_nothing_and_leaves_no_read_marks(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        key = await made(outbox)
        reader = replace(ADMIN, key_id=key.id, declared="alice")
        await outbox.tell()
        await outbox.engine.writer.run(
            lambda tx: tx.execute("INSERT INTO inbox_marks VALUES (?, 1, 1, 0)", (reader.reader,))
        )
        await keys.delete(outbox.engine, ADMIN, key.id)
        assert outbox.engine.keys.find(key.key) is None
        assert await outbox.rows("SELECT * FROM inbox_marks") == []
        with pytest.raises(NotFound):
            await keys.delete(outbox.engine, ADMIN, key.id)


async def test_a_key_that_could_not_be_written_opens_nothing(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await made(outbox)
        before = dict(outbox.engine.keys._by_digest)
        with pytest.raises(Conflict) as caught:
            await made(outbox)
        assert caught.value.code == "exists"
        assert outbox.engine.keys._by_digest == before


@pytest.mark.parametrize("name", ["owner", "trackdesk"])
async def test_names_that_the_journal_uses_for_others_are_refused(tmp_path: Path, name: str) -> None:
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Invalid, match="name"):
            await made(outbox, name)


async def test_the_departments_of_a_key_have_to_exist(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Invalid, match="nowhere"):
            await made(outbox, departments=["nowhere"])
        await departments.add(outbox.engine, ADMIN, NewDepartment(id="ops", name="Operations"))
        key = await made(outbox, departments=["ops"])
        assert opened(outbox, key.key).caller.departments == ("ops",)


async def test_last_use_is_written_at_most_once_a_minute(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        key, ring = await made(outbox), outbox.engine.keys
        ring.touch(key.id, outbox.clock.now())
        ring.touch(None, outbox.clock.now())
        assert await outbox.rows("SELECT last_used_at FROM keys") == [(None,)]
        await outbox.clock.advance(MINUTE)
        ring.touch(key.id, outbox.clock.now())
        await ring.close()
        assert await outbox.rows("SELECT last_used_at FROM keys") == [(outbox.clock.now(),)]


async def test_last_use_is_not_lost_when_the_server_stops(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        key = await made(outbox)
        outbox.engine.keys.touch(key.id, outbox.clock.now())
        used = outbox.clock.now()
    async with open_outbox(tmp_path) as outbox:
        assert await outbox.rows("SELECT last_used_at FROM keys") == [(used,)]


def test_a_random_owner_key_is_kept_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "owner.key"
    first = keys.owner_key(path, None)
    assert keys.owner_key(path, None) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_given_owner_key_is_used_and_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    assert keys.owner_key(path, "0123456789abcdef") == "0123456789abcdef"
    assert not path.exists()


@pytest.mark.parametrize("given", ["too-short", "x" * 201, "0123456789 abcdef", ""])
def test_a_bad_owner_key_is_refused_without_repeating_it(tmp_path: Path, given: str) -> None:
    with pytest.raises(Invalid) as caught:
        keys.owner_key(tmp_path / "owner.key", given)
    assert "TRACKDESK_OWNER_KEY" in str(caught.value)
    assert not given or given not in str(caught.value)


def test_a_damaged_owner_key_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match=r"owner\.key"):
        keys.owner_key(path, None)
