"""The page at /docs: one file of our own that needs no other host."""

from __future__ import annotations

import base64
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files

from trackdesk.server.headers import BASE_HEADERS


@cache
def page() -> bytes:
    """The page as it is sent."""
    return files("trackdesk.server").joinpath("assets/docs.html").read_bytes()


@cache
def headers() -> dict[str, str]:
    """Only the page's own script and style may run, known by their hashes, and it may only call this server."""
    script, style = _hash(b"script"), _hash(b"style")
    policy = (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {**BASE_HEADERS, "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}


def _hash(element: bytes) -> str:
    match = re.search(rb"<%s>(.*?)</%s>" % (element, element), page(), re.DOTALL)
    assert match is not None, f"docs.html has no {element.decode()}"
    return "sha256-" + base64.b64encode(sha256(match[1]).digest()).decode()
