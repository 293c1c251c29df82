"""One file in a form (RFC 7578), handed on while it arrives, so that it is never in memory as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from trackdesk.domain.errors import Invalid, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

FORM: Final = "multipart/form-data"
MAX_HEAD: Final = 16_384
"""Bytes of what stands above a part."""
_PIECE: Final = 262_144
"""Bytes that are handed on at once, at least."""
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\["\\]|\\(?!["\\]))*)"|([^;"]*))')
_QUOTED_PAIR: Final = re.compile(r'\\(["\\])')
"""Only these two: a Windows program may send a whole path, each part behind a plain backslash."""
_PLAIN: Final = frozenset({"binary", "8bit", "7bit"})


def boundary_of(content_type: str | None) -> bytes:
    """Raises UnsupportedMedia, Invalid."""
    kind, given = _parameters(content_type or "")
    if kind != FORM:
        raise UnsupportedMedia(f"Expected Content-Type: {FORM}, with one file in it.")
    boundary = given.get("boundary", "")
    if not 1 <= len(boundary) <= 70 or not boundary.isascii() or not boundary.isprintable():
        raise Invalid("Content-Type", "expected a boundary of 1 to 70 characters", boundary)
    return boundary.encode()


def _parameters(header: str) -> tuple[str, dict[str, str]]:
    """What stands before the first semicolon, in lower case, and the parameters, the first of each name."""
    kind = header.partition(";")[0]
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(header[len(kind) :]):
        found.setdefault(name.lower(), _QUOTED_PAIR.sub(r"\1", quoted) if quoted else plain.strip())
    return kind.strip().lower(), found


class Form:
    """Reads a form of one file from the pieces of a body."""

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        self._pieces = pieces
        self._mark = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # the first boundary stands at the beginning of a line as well

    async def file(self, take: Callable[[bytes], Awaitable[None]]) -> str:
        """Hands the file's bytes to `take`; gives the name it was sent with. Raises Invalid for a form without a file,
        or with more than one part, and what the pieces raise."""
        await self._until_mark(_nothing)
        if await self._is_last():
            raise Invalid("file", "expected a form with one file, and there is none")
        name = _file_name(await self._head())
        await self._until_mark(take)
        if not await self._is_last():
            raise Invalid("file", "expected one file and nothing else; send each file in a request of its own")
        async for _ in self._pieces:
            continue  # what follows the last boundary means nothing
        return name

    async def _more(self) -> None:
        try:
            self._buffer += await anext(self._pieces)
        except StopAsyncIteration:
            raise Invalid("body", "the form breaks off before its end") from None

    async def _until_mark(self, take: Callable[[bytes], Awaitable[None]]) -> None:
        buffer, mark = self._buffer, self._mark
        searched = 0
        while (found := buffer.find(mark, searched)) < 0:
            sure = len(buffer) - len(mark) + 1  # what may be the beginning of a mark waits
            if sure >= _PIECE:
                await take(bytes(buffer[:sure]))
                del buffer[:sure]
                sure = 0
            searched = max(sure, 0)
            await self._more()
        if found:
            await take(bytes(buffer[:found]))
        del buffer[: found + len(mark)]

    async def _is_last(self) -> bool:
        """Whether the mark just passed ends the form; otherwise a part begins behind its line."""
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            return True
        while (end := self._buffer.find(b"\r\n")) < 0 and len(self._buffer) < MAX_HEAD:
            await self._more()
        if end < 0 or self._buffer[:end].strip(b" \t"):
            raise Invalid("body", "expected the end of a line behind a boundary of the form")
        del self._buffer[:end]  # its line end begins what stands above the part, which may be empty
        return False

    async def _head(self) -> dict[str, str]:
        """The headers of the part, names in lower case."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                break
            await self._more()
        if not 0 <= end <= MAX_HEAD:
            raise Invalid("body", f"expected at most {MAX_HEAD} bytes above the file")
        lines = bytes(self._buffer[2:end]).decode("utf-8", "replace").split("\r\n")
        del self._buffer[: end + 4]
        pairs = (line.partition(":") for line in lines)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _file_name(head: dict[str, str]) -> str:
    """Raises Invalid for a part that is no file."""
    coded = head.get("content-transfer-encoding", "binary").lower()
    if coded not in _PLAIN:
        raise Invalid("Content-Transfer-Encoding", "expected binary", coded)
    kind, given = _parameters(head.get("content-disposition", ""))
    name = given.get("filename")
    charset, _, coded_name = given.get("filename*", "").partition("'")
    if charset.lower() == "utf-8" and "'" in coded_name:
        name = unquote(coded_name.partition("'")[2], errors="replace")
    if kind != "form-data" or name is None:
        raise Invalid("file", 'expected a file: a part with filename="…"')
    return name


async def _nothing(_: bytes) -> None:
    pass
