import os
import stat
from pathlib import Path

import pytest

from tests.engine.outbox import ADMIN, open_hook, open_outbox
from trackdesk.domain.errors import Conflict
from trackdesk.engine import channel_admin
from trackdesk.engine.seal import Seal, SealError, SealState, examine

URL = "webhook+https://hooks.example.org/services/t0ken"


async def sealed(folder: Path) -> tuple[int, str]:
    """The id of a channel and its URL as the database has it."""
    async with open_outbox(folder) as outbox:
        channel = await outbox.channel("ops", URL)
        [(text,)] = await outbox.rows("SELECT url_sealed FROM channels")
        return channel.id, text


async def test_a_sealed_url_opens_with_the_key_file_only(tmp_path: Path) -> None:
    channel_id, text = await sealed(tmp_path)
    assert "hooks.example.org" not in text
    assert Seal(tmp_path / "seal.key").open(text, f"channels/{channel_id}/url") == URL
    with pytest.raises(SealError, match="missing"):
        Seal(tmp_path / "other.key").open(text, f"channels/{channel_id}/url")


async def test_the_key_file_is_private_and_has_32_bytes(tmp_path: Path) -> None:
    await sealed(tmp_path)
    path = tmp_path / "seal.key"
    assert path.stat().st_size == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [name for name in os.listdir(tmp_path) if name.startswith(".seal")] == []  # noqa: PTH208 - not on the loop


async def test_a_key_file_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    channel_id, text = await sealed(tmp_path)
    (tmp_path / "seal.key").chmod(0o644)
    Seal(tmp_path / "seal.key").open(text, f"channels/{channel_id}/url")
    assert stat.S_IMODE((tmp_path / "seal.key").stat().st_mode) == 0o600


async def test_a_sealed_value_cannot_be_moved_to_another_row(tmp_path: Path) -> None:
    channel_id, text = await sealed(tmp_path)
    with pytest.raises(SealError):
        Seal(tmp_path / "seal.key").open(text, f"channels/{channel_id + 1}/url")


@pytest.mark.parametrize("text", ["", "v1.", "v2.AAAA", "v1.!!!", "v1.AAAA"])
def test_a_damaged_value_is_named_as_such(tmp_path: Path, text: str) -> None:
    with pytest.raises(SealError, match="damaged"):
        Seal(tmp_path / "seal.key").open(text, "channels/1/url")


async def test_a_lost_key_is_shown_on_the_channel_and_sending_goes_on_once_it_is_back(tmp_path: Path) -> None:
    async with open_hook() as hook:
        async with open_outbox(tmp_path) as outbox:
            await outbox.channel("ops", hook.url)
        key, kept = tmp_path / "seal.key", tmp_path / "kept.key"
        key.rename(kept)
        async with open_outbox(tmp_path) as outbox:
            await outbox.tell()
            await outbox.until_statuses("RETRYING")
            [(error,)] = await outbox.rows("SELECT last_error FROM channels")
            assert "seal.key is missing" in error
            assert outbox.worker.health().ok
            kept.rename(key)
            await outbox.clock.advance(5_000_000)
            await outbox.until_statuses("SENT")


async def test_a_wrong_key_is_shown_on_the_channel_and_the_right_one_is_taken_without_a_restart(tmp_path: Path) -> None:
    async with open_hook() as hook:
        async with open_outbox(tmp_path) as outbox:
            await outbox.channel("ops", hook.url)
        key = tmp_path / "seal.key"
        right = key.read_bytes()
        key.write_bytes(os.urandom(32))
        async with open_outbox(tmp_path) as outbox:
            await outbox.tell()
            await outbox.until_statuses("RETRYING")
            [(error,)] = await outbox.rows("SELECT last_error FROM channels")
            assert "is not the one it was sealed with" in error
            key.write_bytes(right)
            await outbox.clock.advance(5_000_000)
            await outbox.until_statuses("SENT")


async def test_no_second_key_is_made_while_channels_depend_on_a_lost_one(tmp_path: Path) -> None:
    channel_id, _ = await sealed(tmp_path)
    (tmp_path / "seal.key").unlink()
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Conflict) as caught:
            await outbox.channel("second", URL)
        assert caught.value.code == "seal_lost"
        assert not (tmp_path / "seal.key").exists()
        await channel_admin.delete(outbox.engine, ADMIN, channel_id)
        await outbox.channel("second", URL)
        assert (tmp_path / "seal.key").exists()


async def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    await sealed(tmp_path)
    (tmp_path / "seal.key").write_bytes(b"short")
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Conflict, match="5 bytes"):
            await outbox.channel("second", URL)
    assert (tmp_path / "seal.key").read_bytes() == b"short"


async def test_doctor_is_told_how_key_and_database_fit(tmp_path: Path) -> None:
    key, database = tmp_path / "seal.key", tmp_path / "trackdesk.db"
    assert examine(key, database).level == "ERROR"
    async with open_outbox(tmp_path):
        assert examine(key, database) == SealState("OK", "nothing is sealed yet")
    await sealed(tmp_path)
    assert examine(key, database).level == "OK"
    right = key.read_bytes()
    key.write_bytes(os.urandom(32))
    assert "not the key this database was sealed with" in examine(key, database).detail
    key.write_bytes(right[:7])
    assert "damaged" in examine(key, database).detail
    key.unlink()
    missing = examine(key, database)
    assert missing.level == "ERROR"
    assert "missing" in missing.detail
    assert missing.remedy
