"""For all tests."""

from __future__ import annotations

import gc
import logging

# aiosmtpd says from its own thread when a connection ends, which may be after the output of its test was put away.
logging.getLogger("mail.log").setLevel(logging.WARNING)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it for garbage again and again was a sixth of all work.

    `trackdesk serve` does the same.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
