"""Files of incidents: in as a form, out as a download, whatever they are called and whatever is in them."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from yarl import URL

from tests.server.stand import OWNER_KEY, Answer, Stand, open_stand
from trackdesk.client import Client
from trackdesk.domain.attachment import MAX_FILE
from trackdesk.domain.identity import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

B = "multipart/form-data; boundary=b"
FILES = "/v1/incidents/1/attachments"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        for title in ("Invoices arrive twice", "Another"):
            await opened.ask("POST", "/v1/incidents", {"title": title})
        yield opened


async def attach(stand: Stand, content: bytes, name: str = "a.txt", path: str = FILES, **more: Any) -> Answer:
    form = aiohttp.FormData(quote_fields=False, charset="utf-8")
    form.add_field("file", io.BytesIO(content), filename=name)
    url = URL(stand.url + path, encoded=True)
    headers = {"X-API-Key": more.pop("key", OWNER_KEY)}
    async with stand.session.post(url, data=form, headers=headers) as response:
        return Answer(response.status, response.headers, await response.read())


async def raw(stand: Stand, body: bytes, kind: str = B) -> Answer:
    return await stand.ask("POST", FILES, data=body, headers={"Content-Type": kind})


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()]


async def test_a_file_comes_back_as_it_went_in_and_only_as_a_download(stand: Stand) -> None:
    content = os.urandom(700_000)
    made = (await attach(stand, content, "größe <b>.html")).json
    assert (made["name"], made["size"], made["author"]) == ("größe _b_.html", 700_000, "owner")
    answer = await stand.ask("GET", f"{FILES}/{made['id']}")
    assert answer.body == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    wanted = "attachment; filename=\"gr__e _b_.html\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20_b_.html"
    assert answer.headers["Content-Disposition"] == wanted
    part = await stand.ask("GET", f"{FILES}/{made['id']}", headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, content[10:20])


async def test_attachments_are_on_the_timeline_and_gone_with_their_incident(stand: Stand, tmp_path: Path) -> None:
    made = [(await attach(stand, b"one" * 9, name)).json for name in ("a.log", "b.log")]
    assert len(stored(tmp_path)) == 1, "the same content is one file"
    assert [each["name"] for each in (await stand.ask("GET", FILES)).json["data"]] == ["a.log", "b.log"]
    assert (await stand.ask("DELETE", f"{FILES}/{made[0]['id']}")).status == 204
    assert len(stored(tmp_path)) == 1, "the other still needs it"
    kinds = [each["kind"] for each in (await stand.ask("GET", "/v1/incidents/1/timeline")).json["data"]]
    assert kinds == ["opened", "attached", "attached", "attachment_deleted"]
    assert (await stand.ask("DELETE", "/v1/incidents/1")).status == 204
    assert stored(tmp_path) == []


async def test_what_is_not_there_or_not_allowed_leaves_no_file(stand: Stand, tmp_path: Path) -> None:
    assert (await attach(stand, b"x", path="/v1/incidents/9/attachments")).status == 404
    made = (await attach(stand, b"x", key=await stand.key(Role.REPORTER))).json
    other = f"/v1/incidents/2/attachments/{made['id']}"
    assert (await stand.ask("GET", other)).status == 404
    assert (await stand.ask("DELETE", other)).status == 404
    assert (await stand.ask("DELETE", f"{FILES}/{made['id']}", key=stand.keys[Role.REPORTER])).status == 403
    assert (await attach(stand, b"x", key=await stand.key(Role.INGEST))).status == 403
    stored(tmp_path)[0].unlink()
    assert (await stand.ask("GET", f"{FILES}/{made['id']}")).status == 404


async def test_a_file_over_the_limit_is_refused_and_nothing_of_it_stays(stand: Stand, tmp_path: Path) -> None:
    assert (await attach(stand, bytes(MAX_FILE))).status == 201
    assert (await attach(stand, bytes(MAX_FILE + 1))).status == 413
    assert len(stored(tmp_path)) == 1


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x", "text/plain", 415),
        (b"x", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=" + "b" * 71, 400),
        (b"", B, 400),
        (b"--b--\r\n", B, 400),
        (b"--b", B, 400),
        (b"--bx\r\n\r\n", B, 400),
        (b"--b\r\n\r\nno head\r\n--b--", B, 400),
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nvalue\r\n--b--', B, 400),
        (b"--b\r\n" + b"X: y\r\n" * 4000 + b"\r\n", B, 400),
        (PART + b"cut", B, 400),
        (PART + b"one\r\n" + PART + b"two\r\n--b--", B, 400),
        (PART.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + b"eA==\r\n--b--",
         B, 400),
        (PART + b"\r\n--b--", B, 201),
        (b"preamble\r\n" + PART + b"one\r\n--b--\r\nepilogue", 'multipart/form-data; boundary="b"', 201),
    ],
)  # fmt: skip
async def test_forms_are_read_to_the_letter(stand: Stand, tmp_path: Path, body: bytes, kind: str, status: int) -> None:
    answer = await raw(stand, body, kind)
    assert answer.status == status, answer.body
    assert len(stored(tmp_path)) == (status == 201)


async def test_a_hostile_name_is_shown_and_saved_harmless(stand: Stand) -> None:
    name = b"C:\\tmp\\../e\xe2\x80\xaevil\x1b]0;x\x07\xff.txt"
    body = PART.replace(b'"a"', b'"' + name + b'"') + b"x\r\n--b--"
    made = (await raw(stand, body)).json
    assert made["name"] == "evil]0;x\ufffd.txt"
    assert (await stand.ask("GET", f"{FILES}/{made['id']}")).headers["Content-Disposition"].isascii()


async def test_the_client_sends_and_fetches_files(stand: Stand) -> None:
    fetched = bytearray()
    async with Client(stand.url, OWNER_KEY) as client:
        made = await client.attachments.add("INC-1", "../../etc/pass\u202ewd\x1b[2J", io.BytesIO(b"root\x1b[31m"))
        assert made.name == "passwd[2J"
        assert (await client.attachments.list(1)).data == [made]
        await client.attachments.get(1, made.id, fetched.extend)
        await client.attachments.delete(1, made.id)
        assert (await client.attachments.list(1)).data == []
    assert bytes(fetched) == b"root\x1b[31m"
