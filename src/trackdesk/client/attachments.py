"""Files of incidents, sent and fetched without being in memory as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from trackdesk.client.group import Group
from trackdesk.contract import attachments
from trackdesk.domain.attachment import file_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.client.encoding import Query
    from trackdesk.domain.attachment import Attachment
    from trackdesk.domain.page import Page

PATIENCE = 600.0
"""Seconds that sending or fetching a file may take."""
_PIECE = 262_144


class Attachments(Group):
    """`incident` is a number or `INC-42`."""

    async def list(self, incident: int | str, query: Query = None) -> Page[Attachment]:
        return await self._call(attachments.ATTACHMENT_LIST, path={"incident": incident}, query=query)

    async def add(self, incident: int | str, name: str, file: BinaryIO) -> Attachment:
        """`file` is read to its end, and closed."""
        from aiohttp import FormData  # noqa: PLC0415 - the console's first frame does not wait for it

        endpoint, form = attachments.ATTACHMENT_ADD, FormData(quote_fields=False, charset="utf-8")
        form.add_field("file", file, filename=file_name(name), content_type="application/octet-stream")
        async with self._client.answered(endpoint, {"incident": incident}, data=form, timeout=PATIENCE) as answer:
            return endpoint.reply_adapter().validate_json(await answer.read())

    async def get(self, incident: int | str, attachment: int, write: Callable[[bytes], object]) -> None:
        """Hands the file to `write`, piece by piece."""
        path = {"incident": incident, "attachment": attachment}
        async with self._client.answered(attachments.ATTACHMENT_GET, path, timeout=PATIENCE) as answer:
            async for piece in answer.content.iter_chunked(_PIECE):
                write(piece)

    async def delete(self, incident: int | str, attachment: int) -> None:
        path = {"incident": incident, "attachment": attachment}
        await self._call(attachments.ATTACHMENT_DELETE, path=path)
