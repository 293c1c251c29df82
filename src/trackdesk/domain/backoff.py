"""When a delivery that failed is tried again, and when it is given up."""

from __future__ import annotations

from trackdesk.domain.clock import HOUR, SECOND

FIRST_WAIT = 5 * SECOND
LONGEST_WAIT = HOUR
MAX_ATTEMPTS = 14
"""With the waits below that is a little over nine hours of trying."""
MAX_RETRY_AFTER = 6 * HOUR


def next_wait(attempts: int, chance: float, retry_after: int | None = None) -> int | None:
    """µs until the next attempt after `attempts` (≥ 1) failed ones, or None: give up.

    The wait doubles from 5 s up to an hour; `chance` (0 to 1, drawn by the caller) spreads it over the upper half of
    that ("equal jitter", M. Brooker, Exponential Backoff And Jitter, 2015), so that what failed together does not
    come back together. A receiver's Retry-After is never undercut, within reason.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    ceiling = min(LONGEST_WAIT, FIRST_WAIT << (attempts - 1))
    wait = ceiling // 2 + round(ceiling / 2 * chance)
    return max(wait, min(retry_after or 0, MAX_RETRY_AFTER))
