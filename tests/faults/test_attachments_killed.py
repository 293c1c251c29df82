"""kill -9 while a file is attached or deleted: what was acknowledged is there, and no other file."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import aiohttp

from tests.faults.harness import OWNER_KEY, Site, open_site

if TYPE_CHECKING:
    from pathlib import Path

FILES = "/v1/incidents/1/attachments"


async def attach(site: Site, content: bytes) -> int | None:
    """The status, None when the server died before it answered."""
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(content), filename="a.txt")
    with contextlib.suppress(aiohttp.ClientError):
        async with site.session.post(site.life.url + FILES, data=form, headers={"X-API-Key": OWNER_KEY}) as answer:
            return answer.status
    return None


def stored(site: Site) -> list[bytes]:
    return [path.read_bytes() for path in (site.folder / "attachments").rglob("*") if path.is_file()]


async def test_files_of_a_killed_server_are_there_as_far_as_they_are_needed(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start(kill_at="attachments.before_place")
        await site.made("POST", "/v1/incidents", {"title": "Invoices arrive twice"})
        assert await attach(site, b"one") is None
        await site.died()
        assert len(stored(site)) == 1, "what was uploaded waits to be swept"
        await site.start(kill_at="attachments.after_place")
        assert stored(site) == []
        assert await attach(site, b"two") is None
        await site.died()
        assert stored(site) == [b"two"]
        await site.start(kill_at="attachments.before_remove:2")
        assert stored(site) == []
        assert await attach(site, b"three") == 201
        with contextlib.suppress(aiohttp.ClientError):
            await site.ask("DELETE", f"{FILES}/1")
        await site.died()
        assert stored(site) == [b"three"]
        await site.start()
        assert stored(site) == []
        assert (await site.made("GET", FILES))["data"] == []
        assert await attach(site, b"four") == 201
        assert stored(site) == [b"four"]
