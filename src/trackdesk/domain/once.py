"""An Idempotency-Key as it reaches an operation."""

from __future__ import annotations

import re
from typing import NamedTuple

from trackdesk.domain.clock import DAY

KEPT_FOR = DAY
"""µs for which the first answer is given again."""
_RANDOM = re.compile("[0-9a-f]{32}")


def is_random(key: str) -> bool:
    """Whether it looks like 128 random bits, as jobs make them: nobody but who was told can name it, so whoever does
    speaks of the same thing."""
    return _RANDOM.fullmatch(key) is not None


class Once(NamedTuple):
    """The same key by the same caller for the same request is done once and answered the same again."""

    caller: str
    """Whose key it is: namespace and API key."""
    key: str
    fingerprint: str
    """SHA-256, hex, of method, path and body."""
