"""Bodies: how much, of what kind, how deep; then one pass of pydantic over the bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from trackdesk.domain.errors import Invalid, UnsupportedMedia
from trackdesk.domain.model import MAX_DEPTH
from trackdesk.domain.plain_start import plain_body
from trackdesk.domain.run import StartRun
from trackdesk.domain.wording import field_errors
from trackdesk.server.limits import BODY_SECONDS, too_deep
from trackdesk.server.lines import LeftToHandler, too_large
from trackdesk.server.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.contract.endpoint import Endpoint

_NUL: Final = b"\\u0000"
_PLAIN: Final[dict[Any, Callable[[bytes], Any]]] = {StartRun: plain_body}
"""By model, what reads bodies of the usual form without it, and gives None for all others."""


def reader_of(endpoint: Endpoint[Any]) -> BodyReader | LeftToHandler:
    """What reads the bodies of an endpoint."""
    if endpoint.also_takes:
        return ParsedByHandler(endpoint)
    return BodyReader(endpoint) if endpoint.takes == "application/json" else LeftToHandler(endpoint)


class BodyReader:
    """Reads the body of one endpoint."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        self._max = endpoint.max_body
        self._required = endpoint.body is not None and endpoint.body_required
        self._model = endpoint.body
        self._plain = _PLAIN.get(endpoint.body)
        self._nul_is_of_items = endpoint.body_of_many
        self._validate = None if endpoint.body is None else endpoint.body_adapter().validator.validate_json

    async def read(self, request: web.BaseRequest) -> bytes:
        """The bytes, empty when there are none. Raises TooLarge, UnsupportedMedia, Invalid."""
        if not request.body_exists:
            return b""
        raw = request.raw if isinstance(request, Whole) else await self._receive(request)
        if len(raw) > self._max:
            raise too_large(self._max)
        if raw and self._validate is not None:
            content_type = request.headers.get(hdrs.CONTENT_TYPE)
            if content_type is not None and content_type != "application/json":
                self._check_type(content_type)
        return raw

    async def _receive(self, request: web.BaseRequest) -> bytes:
        length = request.content_length
        if length is not None and length > self._max:
            raise too_large(self._max)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                # With the limit of this endpoint; a packed body would else be unpacked to that of the largest.
                return await request.clone(client_max_size=self._max).read()
        except web.HTTPRequestEntityTooLarge:
            raise too_large(self._max) from None
        except TimeoutError:
            raise Invalid("body", f"did not arrive within {BODY_SECONDS:g} s") from None
        except (web.RequestPayloadError, HttpProcessingError) as error:
            raise Invalid("body", f"could not be read: {type(error).__name__}") from None

    def _check_type(self, content_type: str) -> None:
        """Raises UnsupportedMedia."""
        if not _is_json(content_type):
            raise UnsupportedMedia(f"Expected Content-Type: application/json, not {content_type[:100]!r}.")

    def parse(self, raw: bytes) -> Any:
        """The body as its model, None where there is none. Raises Invalid."""
        if self._validate is None:
            if raw.strip() not in {b"", b"{}"}:
                raise Invalid("body", "this call takes none")
            return None
        if not raw:
            if self._required:
                raise Invalid("body", "expected JSON, and there is nothing")
            raw = b"{}"
        if self._plain is not None and (plain := self._plain(raw)) is not None:
            return plain
        if too_deep(raw):
            raise Invalid("body", f"expected at most {MAX_DEPTH} levels of nesting")
        if _NUL in raw and not self._nul_is_of_items:
            _refuse_nul(raw)
        try:
            return self._validate(raw)
        except ValidationError as error:
            raise Invalid.of(field_errors(error, raw, model=self._model)) from None


class ParsedByHandler(BodyReader):
    """Of a body that is taken in two forms only size and type are checked."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        super().__init__(endpoint)
        self._also = endpoint.also_takes

    def _check_type(self, content_type: str) -> None:
        if content_type.partition(";")[0].strip().lower() != self._also and not _is_json(content_type):
            known = f"application/json or {self._also}"
            raise UnsupportedMedia(f"Expected Content-Type: {known}, not {content_type[:100]!r}.")

    def parse(self, raw: bytes) -> bytes:
        """The bytes as they are."""
        if not raw:
            raise Invalid("body", "expected JSON, and there is nothing")
        return raw


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        return False
    name, _, value = parameters.strip().partition("=")
    return name != "charset" or value.strip('" ') in {"utf-8", "utf8", "us-ascii"}


def _refuse_nul(raw: bytes) -> None:
    """The escape is in the bytes; whether it stands for NUL only a parser can tell. Raises Invalid with the path."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return  # pydantic says what is wrong with it
    level: list[tuple[str, Any]] = [("", document)]
    while level:
        path, value = level.pop()
        if isinstance(value, dict):
            for key, child in value.items():
                if "\x00" in key:
                    raise Invalid(path or "body", "must not contain NUL in a name")
                level.append((f"{path}.{key}" if path else key, child))
        elif isinstance(value, list):
            level.extend((f"{path}.{index}" if path else str(index), child) for index, child in enumerate(value))
        elif isinstance(value, str) and "\x00" in value:
            raise Invalid(path or "body", "must not contain NUL")
