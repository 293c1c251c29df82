"""An Idempotency-Key as it reaches an operation."""

from __future__ import annotations

from typing import NamedTuple

from trackdesk.domain.clock import DAY

KEPT_FOR = DAY
"""µs for which the first answer is given again."""


class Once(NamedTuple):
    """The same key by the same caller for the same request is done once and answered the same again."""

    caller: str
    """Whose key it is: namespace and API key."""
    key: str
    fingerprint: str
    """SHA-256, hex, of method, path and body."""
