"""Pings as they stand on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from trackdesk.sdk.http import Http

MAX_BODY = 102_400
"""Bytes that the server keeps of a body."""


def ping(http: Http, process: str, signal: str, body: bytes, rid: str | None = None) -> str:
    """`signal`: start, fail, log, an exit code, or nothing for a success. Gives `OK`, or `Created` when the ping made
    the process. The key travels in a header: an address would be written down on its way."""
    path = f"/ping/-/{quote(process, safe=':')}"
    if signal:
        path += f"/{signal}"
    if rid is not None:
        path += f"?rid={rid}"
    return http.ping(path, body[:MAX_BODY])
