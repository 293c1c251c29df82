"""The signature of our webhooks: `t=EPOCH,v1=HEX`, where HEX is HMAC-SHA256 with the secret over `EPOCH.BODY`.

The time is signed along with the body, so that a receiver can refuse a recorded request that is sent again later.
"""

from __future__ import annotations

import hashlib
import hmac

SIGNATURE_HEADER = "X-Trackdesk-Signature"
MICROSECONDS = 1_000_000


def _digest(secret: str, epoch: str, body: bytes) -> str:
    return hmac.new(secret.encode(), epoch.encode() + b"." + body, hashlib.sha256).hexdigest()


def sign(secret: str, body: bytes, now: int) -> str:
    """The header's value for a request made at `now` (µs); its EPOCH is in whole seconds."""
    epoch = str(now // MICROSECONDS)
    return f"t={epoch},v1={_digest(secret, epoch, body)}"


def verify_signature(secret: str, header: str, body: bytes, now: int, tolerance: int) -> bool:
    """Whether `header` was made with `secret` over exactly `body`, at most `tolerance` µs before or after `now` (µs).

    Compares in constant time. A header that can't be read is no valid one; nothing is raised.
    """
    fields = dict(part.strip().partition("=")[::2] for part in header.split(","))
    epoch, given = fields.get("t", ""), fields.get("v1", "")
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 12 and given.isascii()):
        return False
    genuine = hmac.compare_digest(_digest(secret, epoch, body), given)
    return genuine and abs(now - int(epoch) * MICROSECONDS) <= tolerance + MICROSECONDS - 1
