"""Which channel URLs are taken."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from trackdesk.domain.errors import Invalid
from trackdesk.engine.channels.guard import refusal
from trackdesk.engine.channels.redaction import WEBHOOK_SCHEMES, redact, scheme_of

ACCEPTED = (
    "webhook+https://host/path or webhook+http://host/path for a signed webhook, or a URL of a network service that "
    "Apprise knows, such as mailtos://, slack://, discord://, workflows://, tgram://, ntfys://, pagerduty://, jsons://"
)

LONGEST_URL = 2000
SECRET_LENGTHS = range(8, 257)


def is_webhook(url: str) -> bool:
    return scheme_of(url) in WEBHOOK_SCHEMES


def validate_url(url: str, secret: str | None) -> None:
    """Raises Invalid (field `url` or `secret`, never with a secret in it) unless a channel can be made of the two.

    For anything but our own webhooks Apprise is loaded, which blocks up to a second at first: call it in a thread.
    """
    if not url.strip() or len(url) > LONGEST_URL or any(not c.isprintable() for c in url):
        raise Invalid("url", f"must be 1 to {LONGEST_URL} printable characters: {ACCEPTED}")
    if is_webhook(url):
        _validate_webhook(url)
        _validate_secret(secret)
        return
    if secret is not None:
        raise Invalid("secret", "signs webhook+https:// and webhook+http:// only; leave it out for other services")
    from trackdesk.engine.channels.plugin import build_plugin  # noqa: PLC0415 - loads Apprise

    build_plugin(url, timeout=10.0)


def _validate_webhook(url: str) -> None:
    try:
        parts = urlsplit(url.strip().partition("+")[2])
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or any(c.isspace() for c in url.strip()):
        raise Invalid("url", "must name a host and, if any, a port from 1 to 65535: webhook+https://host[:port]/path")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    reason = refusal(host, trusted=True)
    if reason is not None:
        raise Invalid("url", reason, redact(url))


def _validate_secret(secret: str | None) -> None:
    if secret is not None and (len(secret) not in SECRET_LENGTHS or not (secret.isascii() and secret.isprintable())):
        raise Invalid("secret", f"must be {SECRET_LENGTHS[0]} to {SECRET_LENGTHS[-1]} printable ASCII characters")
