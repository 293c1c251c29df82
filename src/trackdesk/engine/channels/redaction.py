"""Keeping what a channel's URL hides out of everything that is shown or stored in the open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WEBHOOK_SCHEMES = frozenset({"webhook+http", "webhook+https"})

HOST_NAMED = frozenset({"form", "forms", "json", "jsons", "mailto", "mailtos", "xml", "xmls"})
"""Apprise schemes whose first part is always a host; in most others it is a token or part of one."""

_SHOWS_HOST = WEBHOOK_SCHEMES | HOST_NAMED | {"http", "https"}

SHORTEST_PART = 4
"""Path and query parts below this length (`to`, `yes`, `443`) are no secrets; without them texts are unreadable."""


def scheme_of(url: str) -> str:
    """The scheme in lower case, empty when there is none."""
    scheme, separator, _ = url.strip().partition("://")
    return scheme.lower() if separator and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+.-]*", scheme) else ""


def _authority(url: str) -> tuple[str, str]:
    """(user information, host and port) as they stand, read by hand because channel URLs need not be valid ones."""
    rest = url.strip().partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    return user, host


def redact(url: str) -> str:
    """Scheme, and host where the scheme is known to name one: what may be shown of a channel's URL."""
    scheme = scheme_of(url)
    if not scheme:
        return "…"
    host = _authority(url)[1] if scheme in _SHOWS_HOST else ""
    return f"{scheme}://{host}/…" if re.fullmatch(r"[A-Za-z0-9._:\[\]-]+", host) else f"{scheme}://…"


def _parts(url: str) -> Iterator[str]:
    user, host = _authority(url)
    yield from (part for part in (user, *user.partition(":")[::2]) if part)
    rest = url.strip().partition("://")[2]
    tail = rest[len(user) + 1 if user else 0 :]
    if scheme_of(url) in _SHOWS_HOST:
        tail = tail[len(host) :]
    path, _, query = tail.partition("?")
    try:
        path += "/" + (urlsplit(url).fragment or "")
    except ValueError:
        path += "/"
    long_enough = [part for part in re.split(r"[/@:,;#\s]+", path) if len(part) >= SHORTEST_PART]
    yield from long_enough
    for _, value in parse_qsl(query, keep_blank_values=False):
        yield from (part for part in {value, *re.split(r"[/,;\s]+", value)} if len(part) >= SHORTEST_PART)


def scrubber(url: str, secret: str | None = None) -> Callable[[str], str]:
    """A function that replaces every part of `url` that may be secret, and `secret`, by `…` in the texts it is given.

    Parts are found as written, unquoted and quoted, in any case. User and password are cut whatever their length.
    """
    found: set[str] = {secret} if secret else set()
    for part in _parts(url):
        plain = unquote(part)
        found |= {part, plain, quote(plain), quote(plain, safe="")}
    if not found:
        return str
    pattern = re.compile("|".join(re.escape(part) for part in sorted(found, key=len, reverse=True)), re.IGNORECASE)
    return lambda text: pattern.sub("…", text)
