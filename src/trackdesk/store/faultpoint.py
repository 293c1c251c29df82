"""Named places where a test may kill the process, as a power cut would.

`TRACKDESK_KILL_AT=writer.before_commit` ends the process with SIGKILL when it first reaches that point,
`writer.before_commit:3` when it gets there for the third time. Unset, a point costs one comparison.
"""

import os
import signal
from itertools import count

_NAME, _, _NTH = os.environ.get("TRACKDESK_KILL_AT", "").partition(":")
_TARGET = int(_NTH or 1)
_visits = count(1)


def reach(name: str) -> None:
    """Die here when the environment asks for it."""
    if name == _NAME and next(_visits) == _TARGET:
        os.kill(os.getpid(), signal.SIGKILL)
