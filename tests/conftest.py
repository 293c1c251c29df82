"""For all tests."""

from __future__ import annotations

import logging

# aiosmtpd says from its own thread when a connection ends, which may be after the output of its test was put away.
logging.getLogger("mail.log").setLevel(logging.WARNING)
